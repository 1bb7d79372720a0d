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
	for name, contentType := range map[string]string{
		"console.css": "text/css; charset=utf-8",
		"setup.js":    "text/javascript; charset=utf-8",
		"icon.svg":    "image/svg+xml",
	} {
		content, err := staticFiles.ReadFile("static/" + name)
		if err != nil {
			panic(fmt.Sprintf("console: embedded file: %v", err)) // unreachable unless the build left it out
		}
		sum := sha256.Sum256(content)
		ext := path.Ext(name)
		hashed := strings.TrimSuffix(name, ext) + "-" + hex.EncodeToString(sum[:6]) + ext
		a.urls[name] = "/assets/" + hashed
		a.files[hashed] = asset{contentType, content}
	}
	return a
}

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
