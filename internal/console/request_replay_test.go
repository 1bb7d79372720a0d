package console_test

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/souk-market/souk/internal/account"
	"github.com/souk-market/souk/internal/fault"
	"github.com/souk-market/souk/internal/replay"
	"github.com/souk-market/souk/internal/reqlog"
	"github.com/souk-market/souk/internal/sigv4"
)

// again follows the answer of a replay to the new request.
func (s *inspected) again(t *testing.T, p page) reqlog.View {
	t.Helper()
	p.is(t, http.StatusSeeOther)
	id := strings.TrimPrefix(p.Header.Get("Location"), "/requests/")
	s.get(p.Header.Get("Location")).is(t, http.StatusOK)
	return s.kept(id)
}

func TestReplay(t *testing.T) {
	s := newInspected(t, replay.Client())
	id := s.call(goodKey, "GetEntitlements", `{"ProductCode":"`+team+`"}`, nil, nil)
	s.get("/requests/"+id).is(t, http.StatusOK, "Send it again", "Signed anew for arn:aws:iam::"+seller+":user/good")
	v := s.again(t, s.post("/requests/"+id+"/replay", url.Values{}))
	if v.ID == id || v.Outcome != "ok" || v.AccessKeyID != goodKey.AccessKeyID || v.Body != `{"ProductCode":"`+team+`"}` {
		t.Errorf("sent again: %+v", v)
	}
	v = s.again(t, s.post("/requests/"+id+"/replay", url.Values{"body": {"{\r\n\"ProductCode\": \"é'x\"}"}}))
	if v.ErrorCode != "InvalidParameterException" || v.Body != "{\n\"ProductCode\": \"é'x\"}" {
		t.Errorf("sent again, edited: %+v", v)
	}
	// A wrong secret becomes the right one: what is sent again is signed by Souk.
	wrong := sigv4.Key{AccessKeyID: goodKey.AccessKeyID, Secret: "wrong"}
	if v := s.again(t, s.post("/requests/"+s.call(wrong, "GetEntitlements", `{"ProductCode":"`+team+`"}`, nil, nil)+"/replay", url.Values{})); v.Outcome != "ok" {
		t.Errorf("sent again: %s", v.Outcome)
	}
}

func TestReplayOfASession(t *testing.T) {
	s := newInspected(t, replay.Client())
	session, err := s.credentials.IssueSession(account.SessionInput{RoleARN: appRole, Name: "task-1", Life: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	id := s.call(sigv4.Key{AccessKeyID: session.AccessKeyID, Secret: session.Secret, SessionToken: session.Token}, "GetEntitlements", `{"ProductCode":"`+team+`"}`, nil, nil)
	if v := s.again(t, s.post("/requests/"+id+"/replay", url.Values{})); v.Principal != session.PrincipalARN || v.Outcome != "ok" || v.AccessKeyID == session.AccessKeyID {
		t.Errorf("sent again as %s: %s", v.Principal, v.Outcome)
	}
}

func TestReplayThatGetsNoAnswer(t *testing.T) {
	s := newInspected(t, replay.Client())
	id := s.call(goodKey, "GetEntitlements", `{"ProductCode":"`+team+`"}`, nil, nil)
	if _, err := s.faults.Add(fault.Rule{Cut: true}); err != nil {
		t.Fatal(err)
	}
	if v := s.again(t, s.post("/requests/"+id+"/replay", url.Values{})); v.Status != 0 || v.FaultEffect != "cut" {
		t.Errorf("sent again: %+v", v)
	}
}

func TestReplayRefusals(t *testing.T) {
	sent := 0
	s := newInspected(t, func(*http.Request) (*http.Response, error) { sent++; return nil, errors.New("<no route>") })
	id := s.call(goodKey, "ResolveCustomer", `{"RegistrationToken":"`+s.token(legacy, alice)+`"}`, nil, nil)
	at := "/requests/" + id + "/replay"
	s.post(at, url.Values{}).is(t, http.StatusUnprocessableEntity, "The token is masked.", "Send it again")
	s.post(at, url.Values{"body": {" \n"}}).is(t, http.StatusUnprocessableEntity, "Write the body: an operation without input takes {}.")
	s.post(at, url.Values{"body": {strings.Repeat("x", 70<<10)}}).is(t, http.StatusRequestEntityTooLarge)
	unknown := s.call(sigv4.Key{AccessKeyID: "AKIANOBODY0000000000", Secret: "x"}, "GetEntitlements", `{}`, nil, nil)
	s.get("/requests/"+unknown).is(t, http.StatusOK, "nobody here is known by its access key")
	s.post("/requests/"+unknown+"/replay", url.Values{"body": {"{}"}}).is(t, http.StatusConflict, "nobody here is known by its access key")
	if sent != 0 {
		t.Errorf("%d requests were sent", sent)
	}
	if testing.Short() {
		return
	}
	p := s.post(at, url.Values{"body": {`{"typed":"</textarea><script>"}`}}).is(t, http.StatusServiceUnavailable, "did not get through: <no route>", `{"typed":"</textarea><script>"}`)
	if strings.Contains(p.body, "<script>") || sent != 1 {
		t.Errorf("sent %d times; page:\n%s", sent, p.body)
	}
	p = newInspected(t, nil).post("/requests/x/replay", url.Values{})
	p.is(t, http.StatusNotFound, "--simulation")
}
