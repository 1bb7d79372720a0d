package registration

import (
	"net/http"
	"strings"
	"unicode"
)

// explanation is an error in plain words: for the buyer, who can only try again or write to the seller, and for the developer, who can mend it.
type explanation struct {
	Status    int // of the page
	Title     string
	What      string   // what happened
	Buyer     string   // what the buyer can do
	Developer []string // where the developer should look
}

const (
	clickAgain = "Go back to AWS Marketplace, open your subscription, and click “Set up your account” again: each click brings a fresh registration."
	notYours   = "This is not something that you can mend. Your subscription is safe; please try again later, or write to the seller."
)

// The pages that are shown without asking ResolveCustomer.
var (
	tokenMissing = explanation{
		Status: http.StatusBadRequest,
		Title:  "We could not tell who you are",
		What:   "Your browser came here without a registration token from AWS Marketplace.",
		Buyer:  clickAgain,
		Developer: []string{
			"The POST has no field `x-amzn-marketplace-token` in its body. A field in the query string does not count.",
			"A buyer who bookmarks or reloads this page after a redirect arrives like this, too: let them sign in here instead.",
		},
	}
	formTooLarge = explanation{
		Status:    http.StatusRequestEntityTooLarge,
		Title:     "That was too much to read",
		What:      "The form that your browser sent is larger than any that AWS Marketplace sends.",
		Buyer:     clickAgain,
		Developer: []string{"The form of AWS Marketplace has less than 1 KiB; this page takes up to 64 KiB."},
	}
	formUnreadable = explanation{
		Status:    http.StatusBadRequest,
		Title:     "We could not read that form",
		What:      "What your browser sent is not well formed.",
		Buyer:     clickAgain,
		Developer: []string{"The body does not parse as `application/x-www-form-urlencoded`. A `%` in the token has to be written as `%25`, a `+` as `%2B`."},
	}
	formForeign = explanation{
		Status:    http.StatusUnsupportedMediaType,
		Title:     "We could not read that form",
		What:      "What your browser sent is not the form of AWS Marketplace.",
		Buyer:     clickAgain,
		Developer: []string{"AWS Marketplace posts `application/x-www-form-urlencoded`. This request says otherwise in its `Content-Type`."},
	}
)

// explain tells what a failed resolution means. The token decides only about hints.
func explain(res *resolution, token string) explanation {
	if res.Code == "" {
		return explainNoAnswer(res)
	}
	switch res.Code {
	case "InvalidTokenException":
		e := explanation{
			Status: http.StatusBadRequest, Title: "This registration is not valid",
			What:  "AWS Marketplace does not know the registration that your browser brought here.",
			Buyer: clickAgain,
			Developer: []string{
				"Only the account that published the product can resolve its tokens. This page signs as its own seller; a product of another seller needs its own registration URL.",
				"The token must arrive unaltered: percent-decoded exactly once, not cut short, not changed in case.",
				"A token of another Souk, or sealed under a key that was retired since, does not resolve either. The server’s record of the request says which of these it was.",
			},
		}
		if strings.ContainsFunc(token, unicode.IsSpace) {
			e.Developer = append([]string{"The token that arrived has blanks in it: a `+` was decoded twice, or was not written as `%2B` on the way."}, e.Developer...)
		}
		return e
	case "ExpiredTokenException":
		if !strings.Contains(res.Message, "security token") { // the session of the credentials has the same code
			return explanation{
				Status: http.StatusBadRequest, Title: "This registration has expired",
				What:  "You came back too late: a registration holds for a few hours only, and with some products it can be used once.",
				Buyer: clickAgain,
				Developer: []string{
					"A token lives four hours unless the product says otherwise (`souk product set CODE --token-life`). Resolve it as soon as it arrives.",
					"If the product’s tokens are for single use (`--token-reuse single`), a second POST of the same form ends here as well.",
					"`souk clock show` says whether the market’s clock was moved.",
				},
			}
		}
	case "ThrottlingException":
		return explanation{
			Status: http.StatusServiceUnavailable, Title: "Please try again in a moment",
			What:  "AWS Marketplace is busy and asked us to come back later.",
			Buyer: "Nothing is lost. Wait a minute, then reload this page and let your browser send the form again, or click “Set up your account” again.",
			Developer: []string{
				"Three attempts were throttled, with growing pauses in between. Keep the token and retry later: it stays valid for hours.",
				"`souk fault list` shows whether a fault rule did this; the quota is set by `--quotas`.",
			},
		}
	case "DisabledApiException":
		return ours("ResolveCustomer does not exist in the Region that the call was signed for. AWS’s table of Regions is in the API reference, “Supported AWS Regions”.")
	case "AccessDeniedException":
		return ours("The credentials are good, but their policies do not allow `aws-marketplace:ResolveCustomer`. The message names the principal; attach a policy that allows it, on resource `*`.")
	case "UnrecognizedClientException", "InvalidSignatureException", "IncompleteSignatureException", "MissingAuthenticationTokenException":
		return ours("The credentials of this page were refused: an unknown or inactive access key, a wrong secret, or a clock that is more than 15 minutes off.")
	}
	if res.Code == "ExpiredTokenException" {
		return ours("The temporary credentials of this page have expired. This is not about the registration token, although the code is the same: only the message tells them apart.")
	}
	if res.retryable() {
		return explanation{
			Status: http.StatusServiceUnavailable, Title: "Please try again in a moment",
			What: "AWS Marketplace has trouble answering us.", Buyer: notYours,
			Developer: []string{"All three attempts failed on the server’s side. `souk fault list` shows whether a fault rule did this; otherwise look for the request id in the server’s log."},
		}
	}
	return ours("ResolveCustomer refused the request with an error that is not about the token. The exchange below has the details.")
}

func explainNoAnswer(res *resolution) explanation {
	if res.Status != 0 {
		return ours("Something answered at the endpoint, but not with AWS JSON 1.1. Is it the AWS face of a Souk, or a proxy in between?")
	}
	return explanation{
		Status: http.StatusServiceUnavailable, Title: "Please try again in a moment",
		What: "We could not reach AWS Marketplace to look up your registration.", Buyer: notYours,
		Developer: []string{
			"No answer came from the endpoint: is it listening where this page expects it? (`souk env` prints the address.)",
			"A fault rule may have cut the connection: `souk fault list`.",
		},
	}
}

// ours is an error that the seller's own configuration makes: nothing is wrong with the buyer's token.
func ours(developer string) explanation {
	return explanation{
		Status: http.StatusBadGateway, Title: "Something is wrong on our side",
		What: "We could not look up your registration at AWS Marketplace.", Buyer: notYours,
		Developer: []string{developer},
	}
}
