package console

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/souk-market/souk/internal/account"
	"github.com/souk-market/souk/internal/awsproto"
	"github.com/souk-market/souk/internal/reqlog"
	"github.com/souk-market/souk/internal/sigv4"
)

// replayForm is the part of the page that sends the request again.
type replayForm struct {
	Offered bool   // this Souk sends requests again at all
	Why     string // this one cannot be; "" if it can
	Action  string
	Caller  string
	Body    string
	Note    string
	Problem string
}

const (
	replayTimeout = 15 * time.Second
	// replayRecorded is how long the record of a request may take to be there once its answer is.
	replayRecorded = 2 * time.Second
	// replaySession is the life of a session that signs one request.
	replaySession = time.Minute
)

// ReplayClient is what Config.Replay is in a running Souk: it reaches the AWS face directly, whatever proxies the environment names.
func ReplayClient() func(*http.Request) (*http.Response, error) {
	client := &http.Client{
		Timeout:       replayTimeout,
		Transport:     &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return client.Do
}

// replayForm says whether and how the request can be sent again.
func (c *Console) replayForm(ctx context.Context, v reqlog.View, shown requestShown) replayForm {
	f := replayForm{Offered: c.replay != nil, Action: requestPath(v.ID) + "/replay", Problem: shown.problem}
	if !f.Offered {
		return f
	}
	if _, err := c.replayKey(ctx, v); err != nil {
		f.Why = sentence(err.Error())
		return f
	}
	f.Caller = shortened(v.Principal, 256)
	body, note := bodyToSend(v)
	if n, ok := parseObject(body); ok {
		body = jsonText(n, false)
	}
	f.Body, f.Note = body, note
	if plain(body) != body { // a text field would hide it, or the form change it
		f.Body, f.Note = "", "The body has characters that cannot be seen, so it is not shown for editing."
	}
	if shown.body != nil {
		f.Body = *shown.body
	}
	return f
}

// errReplay is why a request cannot be sent again, for people.
type errReplay string

func (e errReplay) Error() string { return string(e) }

// replayKey is what the request's caller can sign with now. Secrets of temporary credentials are kept nowhere: their caller gets a session anew.
func (c *Console) replayKey(ctx context.Context, v reqlog.View) (sigv4.Key, error) {
	credentials := c.tools.credentials
	_, known := namesOfService(v.Service)
	switch {
	case !known || v.Operation == "":
		return sigv4.Key{}, errReplay("it cannot be sent again, for it names no operation that there is")
	case c.environment.Endpoint == "" || credentials == nil:
		return sigv4.Key{}, errReplay("it cannot be sent again, for this console does not know the way to the AWS face")
	case v.Principal == "":
		return sigv4.Key{}, errReplay("it cannot be sent again with the same caller, for nobody here is known by its access key")
	}
	if role, session := sessionOf(v.Principal); role != "" {
		s, err := credentials.IssueSession(account.SessionInput{RoleARN: role, Name: session, Life: replaySession})
		if err != nil {
			return sigv4.Key{}, errReplay("it cannot be sent again with the same caller, for its role " + role + " is gone, or can have no session of that name")
		}
		return sigv4.Key{AccessKeyID: s.AccessKeyID, Secret: s.Secret, SessionToken: s.Token}, nil
	}
	secret, p, err := credentials.Lookup(ctx, v.AccessKeyID, "")
	if err != nil || p.ARN != v.Principal {
		return sigv4.Key{}, errReplay("it cannot be sent again with the same caller, for access key " + v.AccessKeyID + " is inactive or gone, or was let in without a look at its secret")
	}
	return sigv4.Key{AccessKeyID: v.AccessKeyID, Secret: secret}, nil
}

// sendAgain sends the request again, its body edited or not, and leads to the page of the new one.
func (c *Console) sendAgain(w http.ResponseWriter, r *http.Request) error {
	if c.replay == nil {
		return notSimulated("requests that are sent again")
	}
	v, err := c.requestByID(r.PathValue("id"))
	if err != nil {
		return err
	}
	if err := parseForm(r); err != nil {
		return err
	}
	ctx := r.Context()
	key, err := c.replayKey(ctx, v)
	if err != nil {
		return &httpError{http.StatusConflict, sentence(err.Error())}
	}
	body, edited := r.PostForm.Get("body"), r.PostForm.Has("body")
	refused := func(status int, problem string) error {
		return c.showRequest(w, r, status, v, requestShown{body: &body, problem: problem})
	}
	if edited {
		body = strings.ReplaceAll(body, "\r\n", "\n") // browsers send these for line breaks
	} else if truncated(v) || isCBOR(v) {
		return refused(http.StatusUnprocessableEntity, "Write the body: the one that was sent is not kept in a form that can be sent again.")
	} else {
		body = v.Body
	}
	switch {
	case strings.TrimSpace(body) == "":
		return refused(http.StatusUnprocessableEntity, "Write the body. An operation without input takes {}.")
	case maskedText.MatchString(body):
		return refused(http.StatusUnprocessableEntity, "The token is masked. Put a real one in the place of the one with “…”: souk buy, or “Set up your account”, gives one.")
	}
	invocation := newInvocation()
	req, err := replayRequest(ctx, c.environment.Endpoint, v, body, invocation)
	if err != nil {
		return err
	}
	region := v.Region
	if region == "" {
		region = c.environment.Region
	}
	sigv4.Sign(req, []byte(body), key, region, "aws-marketplace", time.Now())
	failure := c.exchange(req)
	ctx, cancel := context.WithTimeout(ctx, replayRecorded)
	defer cancel()
	again, err := c.log.Wait(ctx, func(v reqlog.View) bool { return firstOf(v, "Amz-Sdk-Invocation-Id") == invocation })
	if err != nil { // it never arrived, or what answered is another Souk’s
		if failure == nil {
			failure = errors.New("something answered, but not this Souk")
		}
		return refused(http.StatusServiceUnavailable, sentence("the request did not get through: "+failure.Error()))
	}
	http.Redirect(w, r, requestPath(again.ID), http.StatusSeeOther)
	return nil
}

// replayRequest is the operation anew, in JSON whatever it came in.
func replayRequest(ctx context.Context, endpoint string, v reqlog.View, body, invocation string) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimSuffix(endpoint, "/")+"/", bytes.NewReader([]byte(body)))
	if err != nil {
		return nil, fmt.Errorf("console: replay request: %w", err)
	}
	h := req.Header
	h.Set("Content-Type", awsproto.JSON11.Codec().ContentType())
	h.Set("X-Amz-Target", v.Service+"."+v.Operation)
	h.Set("User-Agent", "souk-console-replay/1")
	h.Set("Amz-Sdk-Invocation-Id", invocation)
	h.Set("Amz-Sdk-Request", "attempt=1; max=1")
	return req, nil
}

// exchange sends the request and forgets the answer: the page shows what the log has of it. No answer is an answer, too, if a fault rule wanted it so.
func (c *Console) exchange(req *http.Request) error {
	resp, err := c.replay(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<20))
	return err
}

// newInvocation is a random UUID, as SDKs have one for each call.
func newInvocation() string {
	var b [16]byte
	rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
