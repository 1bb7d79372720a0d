package console

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"net/http"
	"path"
	"strconv"
	"strings"
)

//go:embed static
var staticFiles embed.FS

// assets are the files that pages load. Their addresses carry a hash of their content, so browsers keep them for good and a new binary
// never meets an old style sheet.
type assets struct {
	urls  map[string]string // by file name
	files map[string]asset  // by the name in the address
}

type asset struct {
	contentType string
	content     []byte
}

func loadAssets() assets {
	a := assets{urls: map[string]string{}, files: map[string]asset{}}
	types := map[string]string{".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
	list, err := staticFiles.ReadDir("static")
	if err != nil {
		panic(fmt.Sprintf("console: embedded files: %v", err)) // unreachable unless the build left them out
	}
	for _, file := range list {
		name := file.Name()
		ext := path.Ext(name)
		contentType := types[ext]
		if contentType == "" {
			continue // a licence, not for browsers
		}
		content, err := staticFiles.ReadFile("static/" + name)
		if err != nil {
			panic(fmt.Sprintf("console: embedded file: %v", err)) // unreachable, as above
		}
		sum := sha256.Sum256(content)
		hashed := strings.TrimSuffix(name, ext) + "-" + hex.EncodeToString(sum[:6]) + ext
		a.urls[name] = "/assets/" + hashed
		a.files[hashed] = asset{contentType, content}
	}
	return a
}

// url is the address of a static file; "" for one that there is not.
func (a assets) url(name string) string { return a.urls[name] }

func (c *Console) asset(w http.ResponseWriter, r *http.Request) error {
	f, ok := c.assets.files[r.PathValue("name")]
	if !ok {
		return noPage(w, r)
	}
	h := w.Header()
	h.Set("Content-Type", f.contentType)
	h.Set("Content-Length", strconv.Itoa(len(f.content)))
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	w.Write(f.content)
	return nil
}
