package console_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/souk-market/souk/internal/market"
)

func TestTheBillHasPrices(t *testing.T) {
	w := sampleWorld()
	w.Products[0].Dimensions = []market.Dimension{
		{Key: "gb", Kind: market.Metered, Name: "Data", Unit: "GB", Price: "0.0025"}, {Key: "seats", Kind: market.Entitled, Name: "Seats", Price: "120"},
	}
	w.Offers = append(w.Offers, market.Offer{ID: "offer-theirs", ProductCode: legacy, Kind: market.PrivateOffer, Buyers: []string{bob}, Prices: map[string]market.Price{"gb": "0.5", "seats": "99.50"}})
	u := newUsageSite(t, w)
	u.subscribe(legacy, alice, trial)
	u.subscribe(legacy, bob, "offer-theirs")
	u.set(usageStart.Add(40 * time.Minute))
	u.meter(alice, 0, 1000)
	u.meter(bob, 0, 3)
	p := u.whole("/usage").is(t, http.StatusOK, "Each quantity at the price of the offer that it was bought on.")
	p.has(t, "<bdi>Data (GB)</bdi></th><td>1,003</td><td>2</td><td>2</td><td>$0.0025</td><td>$1.50</td>", `up front</th><td></td><td></td><td></td><td></td><td>$99.50</td>`,
		"<b>$101.00</b>", "<small>"+alice+"</small></th><td>1,000</td><td>1</td><td>–</td><td>$0.00</td>", "<small>"+bob+"</small></th><td>3</td><td>1</td><td>$99.50</td><td>$101.00</td>")
	if strings.Contains(p.text(), "no price") {
		t.Error("everything has a price, and the page says that something has none")
	}
	b, err := u.service.Bill(t.Context(), market.Operator(), market.BillQuery{ProductCode: legacy})
	if err != nil || b.Total.String() != "$101.00" {
		t.Errorf("the market says %s, %v", b.Total, err)
	}
	u.whole("/usage?buyer="+bob).has(t, "<b>$101.00</b>", "<td>$0.0025</td><td>$1.50</td>")
}
