package sqlstore

import (
	"strconv"
	"strings"
)

// where is the conditions of a query, which all have to hold, and their arguments. Its zero value is none.
type where struct {
	conditions []string
	args       []any
}

// and adds a condition. Each ? in it stands for one of the values.
func (w *where) and(condition string, values ...any) {
	for _, v := range values {
		condition = strings.Replace(condition, "?", w.arg(v), 1)
	}
	w.conditions = append(w.conditions, condition)
}

// text adds a condition on a text, unless that is "".
func (w *where) text(condition, value string) {
	if value != "" {
		w.and(condition, value)
	}
}

// arg adds an argument, and answers how the query refers to it.
func (w *where) arg(v any) string {
	w.args = append(w.args, v)
	return "$" + strconv.Itoa(len(w.args))
}

// clause is the WHERE clause, with a blank before it; "" when there are no conditions.
func (w *where) clause() string {
	if len(w.conditions) == 0 {
		return ""
	}
	return " WHERE " + strings.Join(w.conditions, " AND ")
}

// limit is the LIMIT clause, with a blank before it; "" for 0, which is no limit.
func (w *where) limit(n int) string {
	if n <= 0 {
		return ""
	}
	return " LIMIT " + w.arg(n)
}
