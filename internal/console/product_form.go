package console

import (
	"cmp"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/souk-market/souk/internal/market"
)

const (
	// maxRows is how many dimensions a form takes.
	maxRows = 500
	// spareRows is how many empty rows stand below the dimensions there are, for those without scripts.
	spareRows = 2
)

// formField is one labelled control of a form; templates/frame.html draws it.
type formField struct {
	ID, Name, Label string
	Input           string // "text", "area", "choice", or the type of an input
	Value           string
	Choices         []choice
	Placeholder     string
	Hint            string
	Problem         string
}

// productForm is a product as people write it: every value is as it stands in its field.
type productForm struct {
	Code, ID, Seller, Title, Description, Kind, URL, Life, Reuse string
	Rows                                                         []dimensionForm

	problems map[string]string // by field; "" for those about none
}

// dimensionForm is a row of it.
type dimensionForm struct {
	Key, Kind, Type, Name, Unit, Price string
	Remove                             bool
	problems                           map[string]string
}

func (d *dimensionForm) empty() bool {
	return d.Key == "" && d.Name == "" && d.Unit == "" && d.Price == ""
}

// productFormFor is the form that leaves a product as it is.
func productFormFor(p market.Product) productForm {
	f := productForm{
		Code: p.Code, ID: p.ID, Seller: p.Seller, Title: oneLine(p.Title), Description: lines(p.Description), Kind: string(p.Kind), URL: p.RegistrationURL,
		Life: spanText(p.TokenLife), Reuse: string(p.TokenReuse),
	}
	for _, d := range p.Dimensions {
		f.Rows = append(f.Rows, dimensionForm{
			Key: oneLine(d.Key), Kind: string(d.Kind), Type: string(cmp.Or(d.Type, market.Integer)), Name: oneLine(d.Name), Unit: oneLine(d.Unit), Price: string(d.Price),
		})
	}
	return f
}

// rowField is the name of a field in a row.
func rowField(row int, name string) string { return "d" + strconv.Itoa(row) + "." + name }

// productFormOf reads what was sent. What a form has no field for stays as it is in was.
func productFormOf(v url.Values, was market.Product) productForm {
	f := productFormFor(was)
	for name, into := range map[string]*string{
		"code": &f.Code, "id": &f.ID, "seller": &f.Seller, "kind": &f.Kind, "url": &f.URL, "life": &f.Life, "reuse": &f.Reuse,
	} {
		if v.Has(name) {
			*into = strings.TrimSpace(v.Get(name))
		}
	}
	f.Title, f.Description = v.Get("title"), lines(v.Get("description"))
	f.Rows = nil
	for i := 0; i < maxRows && v.Has(rowField(i, "key")); i++ {
		get := func(name string) string { return v.Get(rowField(i, name)) }
		f.Rows = append(f.Rows, dimensionForm{
			Key: get("key"), Kind: get("kind"), Type: get("type"), Name: get("name"), Unit: get("unit"), Price: strings.TrimSpace(get("price")), Remove: get("remove") != "",
		})
	}
	if v.Has(rowField(maxRows, "key")) { // a script may add without end
		f.problem("dimensions", fmt.Sprintf("a form takes at most %d dimensions; a world file takes more", maxRows))
	}
	return f
}

// spare adds empty rows.
func (f *productForm) spare(n int) {
	for range min(n, maxRows-len(f.Rows)) {
		f.Rows = append(f.Rows, dimensionForm{Kind: string(market.Metered), Type: string(market.Integer)})
	}
}

// product is what the form says, and for each of its dimensions the row that it stands in. What was not touched stays what it is in was, even where a
// field cannot show it as it is.
func (f *productForm) product(was market.Product) (p market.Product, rows []int) {
	p = was
	p.Code, p.ID, p.Seller, p.Kind = f.Code, f.ID, f.Seller, market.ProductKind(f.Kind)
	p.Title, p.RegistrationURL, p.TokenReuse = kept(was.Title, f.Title), f.URL, market.TokenReuse(f.Reuse)
	if p.Description = was.Description; lines(was.Description) != f.Description {
		p.Description = strings.TrimSpace(f.Description)
	}
	var err error
	if p.TokenLife = 0; f.Life != "" {
		if p.TokenLife, err = time.ParseDuration(f.Life); err != nil {
			f.problem("life", "must be a span of time such as 4h or 90s")
		} else if p.TokenLife == 0 {
			f.problem("life", "must be at least 1s; leave it empty for the market’s default")
		}
	}
	p.Dimensions = nil
	for i, row := range f.Rows {
		if row.Remove || row.empty() {
			continue
		}
		var old market.Dimension
		if i < len(was.Dimensions) {
			old = was.Dimensions[i]
		}
		d := market.Dimension{
			Key: kept(old.Key, row.Key), Kind: market.DimensionKind(row.Kind), Name: kept(old.Name, row.Name), Unit: kept(old.Unit, row.Unit), Price: market.Price(row.Price),
		}
		if d.Kind != market.Metered { // usage is always an integer
			if d.Type = market.ValueType(row.Type); d.Type == market.Integer && old.Type == "" {
				d.Type = "" // which says the same
			}
		}
		p.Dimensions, rows = append(p.Dimensions, d), append(rows, i)
	}
	return p, rows
}
