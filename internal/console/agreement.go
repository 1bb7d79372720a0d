package console

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/souk-market/souk/internal/market"
)

// agreementPage is what the page of one agreement shows to sellers and operators.
type agreementPage struct {
	agreementRow
	Initial      string
	ProductPath  string
	ProductCode  string
	Seller       string
	SellerID     string
	Subscription string // the same agreement as its buyer sees it
	Offer        string
	Start        moment
	Started      bool
	Term         string
	Preceding    *related
	Following    []related
	License      string
	LicenseState string
	Customer     string // CustomerIdentifier; "" for products that have none
	Entitled     []entitled
	FinalHour    *finalHour
	Timeline     timeline
	Usage        usageDay
	Acts         []act
	ReadOnly     bool // who looks may do nothing about it
	Notice       string
	Problem      string
}

// related is another agreement, and what it has to do with this one.
type related struct{ Words, Path, ID string }

// finalHour counts down how long the last usage records are taken.
type finalHour struct {
	Until moment
	Left  string
	Path  string // where the page's script asks how long it still is
}

// agreementState is all that there is to know of an agreement in order to decide what can be done with it.
type agreementState struct {
	market.Agreement
	customer  market.Customer
	product   market.Product
	offers    []market.Offer
	followers []market.Agreement // those that renew or replace it
	names     accountNames
	buyerGone bool // the buyer's account is suspended
	now       time.Time
}

// maxFollowers bounds the followers that are read: an agreement has one renewal or replacement, and those that were called off before.
const maxFollowers = 20

func (c *Console) agreementState(ctx context.Context, id string) (g agreementState, err error) {
	if g.Agreement, g.customer, err = c.service.Agreement(ctx, callerIn(ctx), id); err != nil {
		return g, err
	}
	if g.product, g.offers, err = c.service.Product(ctx, callerIn(ctx), g.ProductCode); err != nil {
		return g, err
	}
	if g.followers, err = c.service.Agreements(ctx, callerIn(ctx), market.AgreementFilter{PrecedingID: id, Limit: maxFollowers}); err != nil {
		return g, err
	}
	if g.names, err = c.namesOfParties(ctx, []market.Agreement{g.Agreement}); err != nil {
		return g, err
	}
	buyer, _, err := c.service.Account(ctx, callerIn(ctx), g.Buyer)
	if err != nil {
		return g, err
	}
	g.buyerGone = buyer.Suspended
	g.now = c.service.Now()
	return g, nil
}

// seen stands for the state in a form, so that a form says what its sender was looking at. It changes with whatever an act could be chosen by.
func (g *agreementState) seen() string {
	followers := make([]string, len(g.followers))
	for i, f := range g.followers {
		followers[i] = f.ID + " " + string(f.Status)
	}
	text, err := json.Marshal([]any{g.ID, g.Status, g.StartAt.UnixMilli(), g.EndAt.UnixMilli(), g.TermMonths, g.AutoRenew, g.SuspendedAt.UnixMilli(), g.Entitlements, followers})
	if err != nil {
		panic(fmt.Sprintf("console: fingerprint of an agreement: %v", err)) // unreachable: entitlements are finite
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:8])
}

// offer is the one that the agreement was made on.
func (g *agreementState) offer() (market.Offer, bool) {
	i := slices.IndexFunc(g.offers, func(o market.Offer) bool { return o.ID == g.OfferID })
	if i < 0 {
		return market.Offer{}, false
	}
	return g.offers[i], true
}

// actsFor are those that whoever looks may do: the operator's, for now.
func (g *agreementState) actsFor(r *http.Request, was sentAct) []act {
	if !callerIn(r.Context()).Operator {
		return nil
	}
	return g.acts(was)
}

// agreement is the page of one agreement.
func (c *Console) agreement(w http.ResponseWriter, r *http.Request) error {
	g, err := c.agreementState(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	return c.showAgreement(w, r, http.StatusOK, &g, sentAct{})
}

func (c *Console) showAgreement(w http.ResponseWriter, r *http.Request, code int, g *agreementState, was sentAct) error {
	product := card(g.product, g.names)
	page := agreementPage{
		agreementRow: rowOf(g.Agreement, product.Title, g.names), Initial: product.Initial, ProductPath: product.Path, ProductCode: g.ProductCode,
		Seller: g.names.of(g.Seller), SellerID: g.Seller, Subscription: subscriptionPath(g.ID), Start: momentOf(g.StartAt), Started: !g.StartAt.After(g.now),
		License: g.LicenseARN, LicenseState: licenseWords(&g.Agreement, g.now), Entitled: entitledTo(g.product, g.Entitlements), FinalHour: finalHourOf(&g.Agreement, g.now),
		Acts: g.actsFor(r, was), Notice: agreementNotices[r.URL.Query().Get("notice")], Problem: was.problem,
	}
	if !callerIn(r.Context()).Operator {
		page.Subscription, page.ReadOnly = "", true
	}
	for _, o := range offersOf(g.product, g.offers, g.OfferID) {
		if o.ID == g.OfferID {
			page.Offer = o.Name
		}
	}
	if g.TermMonths > 0 {
		page.Term = plural(g.TermMonths, "month", "months")
	}
	if g.product.Kind == market.Legacy {
		page.Customer = g.customer.Identifier
	}
	if g.PrecedingID != "" {
		words := map[market.Intent]string{market.IntentRenew: "Renews", market.IntentReplace: "Replaces"}[g.Intent]
		page.Preceding = &related{words, agreementPath(g.PrecedingID), g.PrecedingID}
	}
	for _, f := range g.followers {
		words := "Replaced by"
		if f.Intent == market.IntentRenew {
			words = "Renewed by"
		}
		if f.Status != market.Active {
			words += ", " + strings.ToLower(statusOf(f.Status).Text) + ","
		}
		page.Following = append(page.Following, related{words, agreementPath(f.ID), f.ID})
	}
	var err error
	if page.Timeline, err = c.timelineOf(r, g); err != nil {
		return err
	}
	if page.Usage, err = c.usageOf(r, g); err != nil {
		return err
	}
	return c.render(w, response{
		status: code, page: "agreement", title: page.Title + ": agreement", section: "agreements", style: "agreement.css", script: "agreement.js", body: page,
	})
}

// licenseWords say what the agreement's license is good for now.
func licenseWords(a *market.Agreement, now time.Time) string {
	switch {
	case a.Live(now):
		return "Meters and entitles"
	case a.Status == market.Active && !a.SuspendedAt.IsZero():
		return "Neither meters nor entitles while the agreement is suspended"
	case a.Status == market.Active:
		return "Meters and entitles from the agreement’s start on"
	case a.TakesUsage(now):
		return "Entitles no more; takes the last usage records"
	}
	return "Neither meters nor entitles any more"
}

// finalHourOf is nil unless the agreement is in its final hour.
func finalHourOf(a *market.Agreement, now time.Time) *finalHour {
	if a.Status == market.Active || a.EndAt.IsZero() || !a.TakesUsage(now) {
		return nil
	}
	over := a.EndAt.Add(market.FinalHourLength)
	return &finalHour{Until: momentOf(over), Left: leftWords(over.Sub(now)), Path: agreementPath(a.ID) + "/final-hour"}
}

// leftWords say how long it still is, by the whole second.
func leftWords(d time.Duration) string {
	d = (d + time.Second - 1).Truncate(time.Second)
	minutes, seconds := int(d/time.Minute), int(d%time.Minute/time.Second)
	if minutes == 0 {
		return plural(seconds, "second", "seconds")
	}
	return plural(minutes, "minute", "minutes") + " " + plural(seconds, "second", "seconds")
}

// finalHourLeft tells the page's script what is left by the market's clock, which may stand still or be moved. "" is nothing.
func (c *Console) finalHourLeft(w http.ResponseWriter, r *http.Request) error {
	a, _, err := c.service.Agreement(r.Context(), callerIn(r.Context()), r.PathValue("id"))
	if err != nil {
		return err
	}
	var left struct {
		Left string `json:"left"`
	}
	if f := finalHourOf(&a, c.service.Now()); f != nil {
		left.Left = f.Left
	}
	return answerJSON(w, left)
}

// answerJSON answers what a page's script asks for.
func answerJSON(w http.ResponseWriter, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("console: write JSON: %w", err)
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	w.Write(b)
	return nil
}

// withQuery is the address of the agreement's page with a parameter.
func (g *agreementState) withQuery(name, value string) string {
	return agreementPath(g.ID) + "?" + url.Values{name: {value}}.Encode()
}
