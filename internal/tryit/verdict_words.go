package tryit

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"syscall"

	"github.com/souk-market/souk/internal/registration"
)

// refused is what an answer of 400 or more means.
func refused(h Hop) string {
	text := fmt.Sprintf("The page answered %d: ", h.Status)
	switch h.Status {
	case 404, 410:
		return text + "there is nothing at this address. Compare the registration URL with the route in your site, down to a slash at its end."
	case 405:
		if h.Method == "GET" {
			return text + "the page that the redirect leads to does not take GET. Redirect to one that does."
		}
		return text + "the page does not take POST. The marketplace’s form always comes as a POST: let your route take it."
	case 401, 403, 419:
		return text + "it lets nobody in. A sign-in or a protection against forged forms (CSRF) stands before it: exempt this one address from them. The token is the proof of who comes."
	case 400, 415, 422:
		return text + "it does not understand the form. It is application/x-www-form-urlencoded, and the token is its field x-amzn-marketplace-token."
	case 502, 503, 504:
		return text + "a proxy stands before the site, and the site behind it is down or busy; or the site could not reach Souk. Look at the body below."
	}
	if h.Status >= 500 {
		return text + "it failed. Look at the body below and at the log of your site; the calls it made to Souk, if any, are under Requests."
	}
	return text + "the buyer sees an error. Look at the body below."
}

// noAnswer is why no answer, or no whole one, came of the last hop.
func noAnswer(err error, last Hop) string {
	if errors.Is(err, registration.ErrTooManyRedirects) {
		return "The site redirected more than 10 times: browsers give up then. Is there a redirect that leads back to where it came from?"
	}
	if last.failure == nil {
		return "The site redirects to an address that is not http or https; a try ends there."
	}
	err = last.failure
	var (
		dns     *net.DNSError
		record  tls.RecordHeaderError
		cert    *tls.CertificateVerificationError
		unknown x509.UnknownAuthorityError
		name    x509.HostnameError
		timeout net.Error
	)
	switch {
	case errors.Is(err, context.DeadlineExceeded) || errors.As(err, &timeout) && timeout.Timeout():
		if last.Status != 0 {
			return fmt.Sprintf("The answer from %s began and did not end in time. If it is a stream, redirect the buyer to it rather.", last.host)
		}
		return fmt.Sprintf("No answer came from %s in time. Does the site wait for something, a breakpoint for one?", last.host)
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Sprintf("Nothing listens at %s. Start your site, or correct the registration URL. Souk posts from where it runs itself: inside a container, localhost is the container.", last.host)
	case errors.As(err, &dns):
		return fmt.Sprintf("There is no host of the name %s, as seen from where Souk runs.", last.host)
	case errors.As(err, &record):
		return fmt.Sprintf("What listens at %s does not speak TLS. Write http:// in place of https://.", last.host)
	case errors.As(err, &cert), errors.As(err, &unknown), errors.As(err, &name):
		return fmt.Sprintf("The certificate of %s is not one that browsers trust: %s. A buyer would see a warning in place of your page. While you develop, http:// to this machine will do.", last.host, last.Error)
	case strings.Contains(err.Error(), "tls: "):
		return fmt.Sprintf("No encrypted connection came about with %s: %s.", last.host, last.Error)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET):
		return fmt.Sprintf("%s cut the connection before its answer was whole. Did the site crash? Is it https, and the URL says http?", last.host)
	}
	return fmt.Sprintf("No answer came from %s: %s.", last.host, last.Error)
}

// isLocal reports whether a host is this machine, where http is as good as https.
func isLocal(host string) bool {
	host = strings.ToLower(host)
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || err == nil && ip.IsLoopback()
}
