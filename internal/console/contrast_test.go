package console_test

import (
	"fmt"
	"math"
	"regexp"
	"strings"
	"testing"
)

// luminance is WCAG's relative luminance of an sRGB colour.
func luminance(r, g, b int) float64 {
	channel := func(v int) float64 {
		c := float64(v) / 255
		if c <= 0.04045 {
			return c / 12.92
		}
		return math.Pow((c+0.055)/1.055, 2.4)
	}
	return 0.2126*channel(r) + 0.7152*channel(g) + 0.0722*channel(b)
}

// TestColoursHaveContrast holds the style sheet to WCAG 2.2: 4.5 to 1 for text (1.4.3), 3 to 1 for the edges of controls (1.4.11), light and dark.
func TestColoursHaveContrast(t *testing.T) {
	s := sampleSite(t)
	sheet := s.get(regexp.MustCompile(`/assets/console-[0-9a-f]{12}\.css`).FindString(s.get("/").body)).body
	light, dark, ok := strings.Cut(sheet, "@media (prefers-color-scheme: dark)")
	if !ok {
		t.Fatal("no dark colours")
	}
	dark, _, _ = strings.Cut(dark, "*, ::before")
	for name, css := range map[string]string{"light": light, "dark": dark} {
		colours := map[string]float64{}
		for _, m := range regexp.MustCompile(`--([a-z-]+): #([0-9a-f]{6});`).FindAllStringSubmatch(css, -1) {
			var r, g, b int
			fmt.Sscanf(m[2], "%02x%02x%02x", &r, &g, &b)
			colours[m[1]] = luminance(r, g, b)
		}
		for _, pair := range []struct {
			ink, ground string
			least       float64
		}{
			{"text", "ground", 4.5}, {"text", "card", 4.5}, {"text", "code", 4.5}, {"text", "accent-soft", 4.5}, {"quiet", "ground", 4.5}, {"quiet", "card", 4.5},
			{"quiet", "ended-soft", 4.5}, {"quiet", "accent-soft", 4.5}, {"accent", "ground", 4.5}, {"accent", "card", 4.5}, {"accent", "accent-soft", 4.5},
			{"accent-strong", "accent-soft", 4.5}, {"accent-strong", "card", 4.5}, {"on-accent", "accent", 4.5}, {"on-accent", "accent-strong", 4.5},
			{"good", "good-soft", 4.5}, {"bad", "bad-soft", 4.5}, {"bad", "ground", 4.5}, {"bad", "card", 4.5}, {"ended", "ended-soft", 4.5}, {"field", "card", 3}, {"field", "ground", 3},
		} {
			a, okA := colours[pair.ink]
			b, okB := colours[pair.ground]
			if got := (max(a, b) + .05) / (min(a, b) + .05); !okA || !okB || got < pair.least {
				t.Errorf("%s: %s on %s has a contrast of %.2f, want %.1f", name, pair.ink, pair.ground, got, pair.least)
			}
		}
	}
}
