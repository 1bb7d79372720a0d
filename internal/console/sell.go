package console

import (
	"net/http"
	"net/url"
	"sort"

	"github.com/souk-market/souk/internal/market"
)

// sellPage lists products as their sellers see them.
type sellPage struct {
	New  string
	Rows []sellRow
	Next string // address of the page that follows; "" on the last one
	Past bool   // it is not the first page
}

type sellRow struct {
	Title, Path, Code, Seller, Kind, Pricing string
	Target                                   string // where its buyers are sent; "" for nowhere
	Builtin                                  bool
	Edit, Clone, Try                         string
}

// sellRows is how many products a page lists.
const sellRows = 50

// sell is where operators find what there is to edit.
func (c *Console) sell(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	if err := operatorsOnly(ctx); err != nil {
		return err
	}
	list, err := c.service.Products(ctx, callerIn(ctx))
	if err != nil {
		return err
	}
	names, err := c.accountNames(ctx)
	if err != nil {
		return err
	}
	after := r.URL.Query().Get("after")
	page := sellPage{New: newProductPath, Past: after != ""}
	list = list[sort.Search(len(list), func(i int) bool { return list[i].Code > after }):] // they come by code
	for i, p := range list {
		if i == sellRows {
			page.Next = "/sell?after=" + url.QueryEscape(list[i-1].Code)
			break
		}
		page.Rows = append(page.Rows, c.sellRow(p, names))
	}
	return c.render(w, response{status: http.StatusOK, page: "sell", title: "Products and offers", section: "sell", style: "product.css", body: page})
}

func (c *Console) sellRow(p market.Product, names accountNames) sellRow {
	at := productPath(p.Code)
	return sellRow{
		Title: titleOf(p), Path: at + "#registration", Code: p.Code, Seller: names.of(p.Seller), Kind: kindWords(p.Kind), Pricing: pricing(p.Dimensions),
		Target: plain(c.service.RegistrationURL(p)), Builtin: p.RegistrationURL == "", Edit: at + "/edit", Clone: at + "/clone", Try: at + "/try",
	}
}
