package console_test

import (
	"fmt"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/souk-market/souk/internal/market"
)

var (
	inputs    = regexp.MustCompile(`<input id="[^"]*" name="([^"]*)" type="[^"]*"[^>]*? value="([^"]*)"`)
	selects   = regexp.MustCompile(`(?s)<select id="[^"]*" name="([^"]*)".*?</select>`)
	chosenOne = regexp.MustCompile(`<option value="([^"]*)" selected>`)
	textareas = regexp.MustCompile(`(?s)<textarea id="[^"]*" name="([^"]*)"[^>]*>\n(.*?)</textarea>`)
)

// sent is what a browser would send of the page's form if its button were pressed at once.
func (p page) sent() url.Values {
	v := p.hiddenFields()
	for _, m := range inputs.FindAllStringSubmatch(p.body, -1) {
		v.Set(html.UnescapeString(m[1]), strings.NewReplacer("\r", "", "\n", "").Replace(html.UnescapeString(m[2])))
	}
	for _, m := range selects.FindAllStringSubmatch(p.body, -1) {
		v.Set(html.UnescapeString(m[1]), html.UnescapeString(chosenOne.FindStringSubmatch(m[0])[1]))
	}
	for _, m := range textareas.FindAllStringSubmatch(p.body, -1) {
		v.Set(m[1], strings.ReplaceAll(html.UnescapeString(m[2]), "\n", "\r\n"))
	}
	return v
}

// with is the form with some fields otherwise.
func with(v url.Values, pairs ...string) url.Values {
	for i := 0; i+1 < len(pairs); i += 2 {
		v.Set(pairs[i], pairs[i+1])
	}
	return v
}

func (s *site) product(code string) (market.Product, []market.Offer) {
	s.Helper()
	p, offers, err := s.service.Product(s.Context(), market.Operator(), code)
	if err != nil {
		s.Fatal(err)
	}
	return p, offers
}

func productAt(code string) string { return "/products/" + url.PathEscape(code) }

func TestAProductIsMadeInTheBrowser(t *testing.T) {
	s := sampleSite(t)
	form := s.get("/new/product").is(t, http.StatusOK, "New product").sent()
	if code := form.Get("code"); !regexp.MustCompile(`^[a-z0-9]{25}$`).MatchString(code) {
		t.Errorf("proposed code %q", code)
	}
	p := s.post("/new/product", with(form, "title", " Shelf ", "description", "One.\r\nTwo.", "code", "new", "kind", "legacy", "life", "90s", "reuse", "single", "url", "http://localhost:8000/in",
		"d0.key", "gb", "d0.kind", "metered", "d0.unit", "GB", "d0.price", "0.25", "d1.key", "sso", "d1.kind", "entitled", "d1.type", "boolean", "d1.name", "Sign-on")).is(t, http.StatusSeeOther)
	if at := p.Header.Get("Location"); at != "/products/new?changed=made#registration" {
		t.Errorf("leads to %s", at)
	}
	got, offers := s.product("new")
	want := market.Product{
		Code: "new", Seller: seller, Title: "Shelf", Description: "One.\nTwo.", Kind: market.Legacy, RegistrationURL: "http://localhost:8000/in", TokenLife: 90e9, TokenReuse: market.ReuseSingle,
		Dimensions: []market.Dimension{{Key: "gb", Kind: market.Metered, Unit: "GB", Price: "0.25"}, {Key: "sso", Kind: market.Entitled, Type: market.Boolean, Name: "Sign-on"}},
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(market.Product{}, "ID", "CreatedAt")); diff != "" || got.ID == "" || len(offers) != 1 {
		t.Errorf("product (-want +got):\n%s; %d offers", diff, len(offers))
	}
	s.get("/products/new?changed=made").is(t, http.StatusOK, "Shelf", "The product is made.", "Try it", "Clone it", "Add an offer")
	again := s.get("/new/product").sent()
	s.post("/new/product", with(again, "code", "new", "title", "Other")).is(t, http.StatusUnprocessableEntity, "There is a product of this code already.")
	if now, _ := s.product("new"); now.Title != "Shelf" {
		t.Errorf("a new product changed another: %q", now.Title)
	}
}

func TestSavingAFormUntouchedChangesNothing(t *testing.T) {
	w := nastyWorld()
	w.Products[0].Title, w.Products[0].Description = nasty("two\nlines"), "\n <b>first</b>\r\nsecond \n"
	w.Products[0].TokenLife, w.Products[1].Dimensions[0].Type = 4*3600e9, market.Text
	s := newSite(t, siteConfig{world: w, builtin: builtin})
	for _, code := range []string{legacy, team, odd} {
		before, offers := s.product(code)
		p := s.get(productAt(code)+"/edit").is(t, http.StatusOK)
		if strings.Contains(p.body, "<script>") || strings.Contains(p.body, "<img") || strings.Contains(p.body, "<b>first") {
			t.Errorf("%s: text became markup", code)
		}
		s.post(productAt(code)+"/edit", p.sent()).is(t, http.StatusSeeOther)
		for _, o := range offers {
			s.post(productAt(code)+"/offers/"+o.ID+"/edit", s.get(productAt(code)+"/offers/"+o.ID+"/edit").is(t, http.StatusOK).sent()).is(t, http.StatusSeeOther)
		}
		after, now := s.product(code)
		if diff := cmp.Diff(before, after) + cmp.Diff(offers, now); diff != "" {
			t.Errorf("%s (-before +after):\n%s", code, diff)
		}
	}
}

func TestProblemsStandAtTheirFields(t *testing.T) {
	s := sampleSite(t)
	form := s.get(productAt(legacy) + "/edit").sent()
	p := s.post(productAt(legacy)+"/edit", with(form, "title", `kept "<script>"`, "url", "ftp://x/", "d1.key", "", "d1.name", "without a key", "d2.key", "gb", "d2.price", "cheap"))
	p.is(t, http.StatusUnprocessableEntity, "Registration URL must be an absolute http or https URL", "Must have 1 to 255 characters.", `"gb" stands twice.`)
	for id, want := range map[string]string{"product-url-problem": "Registration URL must be", "d1-key-problem": "1 to 255", "d2-key-problem": "stands twice", "d2-price-problem": "amount"} {
		m := regexp.MustCompile(`id="` + id + `" role="alert">([^<]*)<`).FindStringSubmatch(p.body)
		if m == nil || !strings.Contains(m[1], want) {
			t.Errorf("%s: %q, want %q", id, m, want)
		}
	}
	unique(t, "refused", p)
	labelled(t, "refused", p)
	kept := p.sent()
	if kept.Get("title") != `kept "<script>"` || kept.Get("url") != "ftp://x/" || kept.Get("d1.name") != "without a key" || kept.Get("d2.price") != "cheap" {
		t.Errorf("the form lost what was typed: %v", kept)
	}
	s.post(productAt(legacy)+"/edit", with(s.get(productAt(legacy)+"/edit").sent(), "life", "soon")).is(t, http.StatusUnprocessableEntity, "Must be a span of time")
	s.post(productAt(legacy)+"/edit", with(s.get(productAt(legacy)+"/edit").sent(), "life", "1500ms")).is(t, http.StatusUnprocessableEntity, "Token life must be whole seconds")
	if got, _ := s.product(legacy); got.Title != "Log Search" || len(got.Dimensions) != 1 {
		t.Errorf("something was changed: %+v", got)
	}
}

func TestDimensionsComeAndGo(t *testing.T) {
	s := sampleSite(t)
	at := productAt(team) + "/edit"
	more := s.post(at, with(s.get(at).sent(), "title", "Not yet", "more", "rows")).is(t, http.StatusOK, "Dimension 9")
	if got, _ := s.product(team); got.Title != "Seats" || more.sent().Get("title") != "Not yet" {
		t.Errorf("asking for rows saved the form, or lost it: %q", got.Title)
	}
	s.post(at, with(more.sent(), "d8.key", "last", "d8.kind", "metered")).is(t, http.StatusSeeOther)
	s.post(at, with(s.get(at).sent(), "d1.remove", "yes")).is(t, http.StatusSeeOther)
	if got, _ := s.product(team); len(got.Dimensions) != 1 || got.Title != "Not yet" {
		t.Fatalf("%+v", got)
	}
	long := s.get(at).sent()
	for i := range 501 {
		long.Set(fmt.Sprintf("d%d.key", i), fmt.Sprint("k", i))
	}
	s.post(at, long).is(t, http.StatusUnprocessableEntity, "A form takes at most 500 dimensions")
	s.subscribe(team, alice, "")
	p := s.get(at).is(t, http.StatusOK, "its seller, Harbour Software, and its kind")
	if form := p.sent(); form.Has("kind") || form.Has("seller") {
		t.Errorf("the form asks for what cannot change: %v", form)
	}
	s.post(at, with(p.sent(), "d0.remove", "yes", "d1.key", "gb")).is(t, http.StatusUnprocessableEntity, "would not fit any more")
	if got, _ := s.product(team); got.Dimensions[0].Key != "seats" || got.Kind != market.ConcurrentAgreements {
		t.Errorf("%+v", got)
	}
}

func TestStaleFormsShowBoth(t *testing.T) {
	s := sampleSite(t)
	at := productAt(legacy) + "/edit"
	mine := with(s.get(at).sent(), "title", "Mine")
	s.post(at, with(s.get(at).sent(), "title", "Theirs")).is(t, http.StatusSeeOther)
	p := s.post(at, mine).is(t, http.StatusConflict, "Somebody has changed it", "TitleTheirsMine")
	if got, _ := s.product(legacy); got.Title != "Theirs" {
		t.Errorf("title %q", got.Title)
	}
	s.post(at, p.sent()).is(t, http.StatusSeeOther)
	if got, _ := s.product(legacy); got.Title != "Mine" {
		t.Errorf("title %q", got.Title)
	}
	at = productAt(legacy) + "/offers/" + trial + "/edit"
	form := s.get(at).sent()
	s.post(at, with(s.get(at).sent(), "days", "30")).is(t, http.StatusSeeOther)
	s.post(at, with(form, "days", "60")).is(t, http.StatusConflict, "Days of a free trial3060")
}

func TestProductsAreCloned(t *testing.T) {
	w := sampleWorld()
	for i := range 2 { // of one kind and name: told apart by id only
		w.Offers = append(w.Offers, market.Offer{ID: fmt.Sprintf("offer-private%d", i), ProductCode: legacy, Kind: market.PrivateOffer, Name: "For you", Buyers: []string{bob}})
	}
	s := newSite(t, siteConfig{world: w, builtin: builtin})
	form := s.get(productAt(legacy)+"/clone").is(t, http.StatusOK, "Clone Log Search", "4 offers come along").sent()
	if form.Get("title") != "Copy of Log Search" || form.Get("code") == legacy || form.Get("id") != "" {
		t.Errorf("form %v", form)
	}
	s.post(productAt(legacy)+"/clone", with(form, "code", "copied/1")).is(t, http.StatusSeeOther)
	from, offers := s.product(legacy)
	got, copied := s.product("copied/1")
	if diff := cmp.Diff(from, got, cmpopts.IgnoreFields(market.Product{}, "Code", "ID", "Title", "CreatedAt")); diff != "" || got.ID == from.ID {
		t.Errorf("clone (-from +got):\n%s", diff)
	}
	terms := cmpopts.SortSlices(func(a, b market.Offer) bool { return a.Kind < b.Kind })
	if diff := cmp.Diff(offers, copied, terms, cmpopts.IgnoreFields(market.Offer{}, "ID", "ProductCode", "CreatedAt")); diff != "" {
		t.Errorf("offers (-from +got):\n%s", diff)
	}
	s.post(productAt(legacy)+"/clone", with(s.get(productAt(legacy)+"/clone").sent(), "code", team)).is(t, http.StatusUnprocessableEntity, "There is a product of this code already.")
	s.post(productAt(legacy)+"/clone", form).is(t, http.StatusUnprocessableEntity, "There is a product of this code already.")
}

func TestEditingPagesThatAreNotThere(t *testing.T) {
	s := sampleSite(t)
	for _, path := range []string{"/products/none/edit", "/products/none/clone", "/products/none/try", "/products/none/offers/new", productAt(team) + "/offers/" + trial + "/edit", productAt(team) + "/offers/none/edit"} {
		s.get(path).is(t, http.StatusNotFound)
		s.post(path, url.Values{"as": {"buyer:" + alice}}).is(t, http.StatusNotFound)
	}
	for _, path := range []string{"/new/product", productAt(odd) + "/edit", productAt(legacy) + "/clone", productAt(legacy) + "/offers/new", productAt(legacy) + "/try"} {
		p := s.get(path).is(t, http.StatusOK)
		unique(t, path, p)
		labelled(t, path, p)
	}
}

func TestSellersFindTheirProducts(t *testing.T) {
	w := nastyWorld()
	for i := range 50 {
		w.Products = append(w.Products, market.Product{Code: fmt.Sprintf("zz%02d", i), Seller: seller, Kind: market.Legacy})
	}
	s := newSite(t, siteConfig{world: w, builtin: builtin})
	p := s.get("/sell").is(t, http.StatusOK, "New product", legacy, "The page that comes with Souk", "zz46", "Next page")
	if strings.Contains(p.body, "<script>alert") || strings.Contains(p.body, "\u202e") || strings.Contains(p.text(), "zz47") || strings.Contains(p.text(), "First page") {
		t.Errorf("text became markup, or the page is too long:\n%s", p.body)
	}
	for _, path := range []string{productAt(odd) + "/edit", productAt(odd) + "/clone", productAt(odd) + "/try"} {
		if !strings.Contains(p.body, `href="`+path+`"`) {
			t.Errorf("no link to %s", path)
		}
	}
	if rest := s.get("/sell?after=zz46").is(t, http.StatusOK, "zz47", "zz49", "First page"); strings.Contains(rest.text(), "Next page") {
		t.Error("a last page has a next one")
	}
	s.get("/sell?after=zzz").is(t, http.StatusOK, "There are no more.")
	newSite(t, siteConfig{}).get("/sell").is(t, http.StatusOK, "You sell nothing yet", "souk apply")
}
