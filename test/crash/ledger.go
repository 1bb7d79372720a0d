package main

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ledger reads all that the market has, as its operator would.
func (n *node) ledger(ctx context.Context) (l ledger, err error) {
	if l.rows, err = n.usage(ctx); err != nil {
		return l, fmt.Errorf("export usage: %w", err)
	}
	if l.agreements, err = n.agreements(ctx); err != nil {
		return l, fmt.Errorf("list agreements: %w", err)
	}
	return l, nil
}

func (n *node) usage(ctx context.Context) (list []row, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, n.Control+"/api/v1/usage/export?format=csv", nil)
	if err != nil {
		return nil, err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		b, _ := io.ReadAll(res.Body)
		return nil, fmt.Errorf("%s: %s", res.Status, b)
	}
	lines := csv.NewReader(res.Body)
	lines.ReuseRecord = true
	head, err := lines.Read()
	if err != nil {
		return nil, err
	}
	var at [6]int
	for i, name := range [...]string{"record_id", "hour", "buyer", "dimension", "resource", "quantity"} {
		if at[i] = slices.Index(head, name); at[i] < 0 {
			return nil, fmt.Errorf("the export has no %q", name)
		}
	}
	for {
		line, err := lines.Read()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
		hour, err1 := time.Parse(time.RFC3339, line[at[1]])
		quantity, err2 := strconv.ParseInt(line[at[5]], 10, 64)
		if err := errors.Join(err1, err2); err != nil {
			return nil, err
		}
		_, token, _ := strings.Cut(line[at[4]], "#")
		list = append(list, row{
			identity: identity{buyer: strings.Clone(line[at[2]]), dimension: strings.Clone(line[at[3]]), hour: hour.Unix() / 3600, token: strings.Clone(token)},
			id:       strings.Clone(line[at[0]]), quantity: quantity,
		})
	}
	if count := res.Header.Get("Souk-Usage-Records"); count != strconv.Itoa(len(list)) {
		return nil, fmt.Errorf("the souk counts %s records, and exports %d", count, len(list))
	}
	return list, nil
}

// agreements are those of the product that is sold, by buyer.
func (n *node) agreements(ctx context.Context) (map[string][]string, error) {
	all := map[string][]string{}
	q := url.Values{"product": {sold}, "limit": {"1000"}}
	for {
		var page struct {
			Agreements []struct {
				AgreementID string `json:"agreement_id"`
				Buyer       string `json:"buyer"`
			} `json:"agreements"`
			Next string `json:"next"`
		}
		if err := n.Call(ctx, http.MethodGet, "/api/v1/agreements?"+q.Encode(), nil, &page); err != nil {
			return nil, err
		}
		for _, a := range page.Agreements {
			all[a.Buyer] = append(all[a.Buyer], a.AgreementID)
		}
		if page.Next == "" {
			return all, nil
		}
		q.Set("after", page.Next)
	}
}
