package api

import (
	"net"
	"strconv"
	"strings"
	"time"
)

// condition answers for the global condition keys that make sense here, in lower case as policies' keys are compared. Its one-element
// answers share an array: the evaluator reads an answer before it asks for the next.
func (q *call) condition(key string) ([]string, bool) {
	p := q.principal
	switch key {
	case "aws:principalarn":
		return q.text(principalARN(p.ARN, p.Name)), true
	case "aws:principalaccount":
		return q.text(p.Account), true
	case "aws:principaltype":
		return q.text(p.Kind.String()), true
	case "aws:userid":
		return q.text(p.UserID), true
	case "aws:username": // there for IAM users only
		if p.Kind.String() != "User" {
			return nil, false
		}
		return q.text(p.Name), true
	case "aws:sourceip":
		host, _, err := net.SplitHostPort(q.r.RemoteAddr)
		if err != nil {
			return nil, false
		}
		return q.text(host), true
	case "aws:securetransport":
		return q.text(strconv.FormatBool(q.s.Secure)), true
	case "aws:useragent":
		v := q.r.Header["User-Agent"]
		if len(v) == 0 {
			return nil, false
		}
		return q.text(v[0]), true
	case "aws:requestedregion":
		return q.text(q.rec.Region), true
	case "aws:currenttime":
		return q.text(q.rec.MarketTime.UTC().Format(time.RFC3339)), true
	case "aws:epochtime":
		return q.text(strconv.FormatInt(q.rec.MarketTime.Unix(), 10)), true
	}
	return nil, false
}

func (q *call) text(s string) []string {
	q.one[0] = s
	return q.one[:]
}

// principalARN is what aws:PrincipalArn compares with: for a session of a role it is the role, not the session.
func principalARN(arn, role string) string {
	rest, ok := strings.CutPrefix(arn, "arn:aws:sts::")
	if !ok {
		return arn
	}
	accountID, _, ok := strings.Cut(rest, ":assumed-role/")
	if !ok {
		return arn
	}
	return "arn:aws:iam::" + accountID + ":role/" + role
}
