package main

import (
	"regexp"
	"strings"
	"unicode/utf8"
)

// lineBreaks makes one line of what a terminal may show as several.
var lineBreaks = strings.NewReplacer("\n", " ", "\t", " ", "\u2028", " ", "\u2029", " ")

// oneLine is text from elsewhere in one line that is safe to print.
func oneLine(s string) string { return strings.TrimSpace(lineBreaks.Replace(clean(s))) }

// cell is oneLine for a column of a table: "-" stands for nothing.
func cell(s string) string {
	if s = oneLine(s); s == "" {
		return "-"
	}
	return s
}

// shortened is cell, of at most n characters.
func shortened(s string, n int) string {
	s = cell(s)
	if utf8.RuneCountInString(s) > n {
		return string([]rune(s)[:n-1]) + "…"
	}
	return s
}

// indent is text from elsewhere with each of its lines moved right by prefix, so that none can be taken for one of ours.
func indent(prefix, s string) string {
	return prefix + strings.ReplaceAll(strings.TrimRight(clean(s), "\n"), "\n", "\n"+prefix)
}

var paintCode = regexp.MustCompile("\x1b\\[[0-9;]*m")

// shown is how many characters of s a terminal shows.
func shown(s string) int { return utf8.RuneCountInString(paintCode.ReplaceAllString(s, "")) }
