package admin

import (
	"net/http"

	"github.com/souk-market/souk/internal/market"
)

// Info is what there is to know to use a Souk: what `souk dev --json` prints when it is ready.
type Info struct {
	Endpoint string        `json:"endpoint"` // URL of the AWS face
	Control  string        `json:"control"`  // URL of the control listener
	Region   string        `json:"region"`   // that clients are to sign for
	Version  string        `json:"version"`
	Mode     string        `json:"mode"`     // "dev" or "serve"
	Keys     []KeyInfo     `json:"keys"`     // sample keys; none in serve
	Products []ProductInfo `json:"products"` // all, or the sample ones
}

// KeyInfo is a sample access key.
type KeyInfo struct {
	Name            string `json:"name"`
	Account         string `json:"account"`
	AccessKeyID     string `json:"access_key_id"`
	SecretAccessKey string `json:"secret_access_key"`
	Note            string `json:"note"` // what the key may do
}

// ProductInfo is a product in few words.
type ProductInfo struct {
	ProductCode     string             `json:"product_code"`
	ProductID       string             `json:"product_id"`
	Kind            market.ProductKind `json:"kind"`
	RegistrationURL string             `json:"registration_url"` // where the buyer's browser posts; "" for nowhere
	Title           string             `json:"title"`
	Dimensions      []DimensionInfo    `json:"dimensions"`
}

// DimensionInfo is a dimension in few words.
type DimensionInfo struct {
	Key  string               `json:"key"`
	Kind market.DimensionKind `json:"kind"`
}

func (a *API) getInfo(w http.ResponseWriter, r *http.Request) error {
	info := a.info()
	info.Keys, info.Products = listOf(info.Keys), listOf(info.Products)
	products := make([]ProductInfo, len(info.Products)) // a copy: the slice is not ours
	for i, p := range info.Products {
		p.Dimensions = listOf(p.Dimensions)
		products[i] = p
	}
	info.Products = products
	return answer(w, http.StatusOK, info)
}
