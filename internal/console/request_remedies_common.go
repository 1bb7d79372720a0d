package console

import "strings"

// Steps that many remedies have in common.
var (
	stepFaults   = mendStep{"See whether a fault rule did it.", "souk fault list"}
	stepEnv      = mendStep{"Set endpoint, Region and key as this Souk prints them.", "souk env"}
	stepRetry    = mendStep{"Retry with a growing, random pause in between, as the SDKs do by themselves.", ""}
	stepServer   = mendStep{"Nothing is wrong with the call. The server’s log tells what happened, under the request’s id.", ""}
	stepClient   = mendStep{"Leave it to an AWS SDK to write the request, or compare with what one sends.", ""}
	stepEvaluate = mendStep{"Ask what the policies say of this principal and action, and which statement decides: World, “May this principal do that?”.", ""}
)

// commonRemedies explain the errors that any operation can have: signing, permission, form, load.
var commonRemedies = map[string][]remedy{
	"AccessDeniedException": {
		{[]string{"is suspended"}, "The caller’s account is suspended: it can neither call nor buy.", []mendStep{
			{"Take “suspended” out of the account in the world file, and apply it.", "souk apply -f world.yaml"},
		}},
		{[]string{"explicit deny", "explicitly denied"}, "A statement of a policy denies this action. A Deny outweighs every Allow.", []mendStep{
			{"Change or detach the policy that is named below.", "souk export"}, stepEvaluate,
		}},
		{[]string{"boundary"}, "The caller’s policies may allow the action, but its permissions boundary does not.", []mendStep{
			{"Allow the action in the boundary, too.", "souk export"}, stepEvaluate,
		}},
		{nil, "The signature is good, but no policy of the caller allows the action. What is not allowed is denied.", []mendStep{
			{"Attach a policy that allows aws-marketplace:{operation} on resource “*”; AWSMarketplaceMeteringFullAccess and AWSMarketplaceGetEntitlements are ready-made.", "souk apply -f world.yaml"},
			{"Or sign with another key, if this one was not meant.", "souk env"}, stepEvaluate,
		}},
	},
	"NotAuthorized": {{nil, "The caller does not have permission for this action. Souk answers so only if a fault rule says it.", []mendStep{stepFaults}}},
	"OptInRequired": {{nil, "On AWS the account would have to subscribe to the service first. Souk answers so only if a fault rule says it.", []mendStep{stepFaults}}},
	"IncompleteSignatureException": {
		{[]string{"date must be", "'x-amz-date'"}, "The date of the signature is missing or not readable. X-Amz-Date looks like 20261124T103000Z.", []mendStep{
			{"Write the date in UTC, in the basic form of ISO 8601.", ""}, stepClient,
		}},
		{nil, "The signature lacks a part, or a part of it is malformed. The message says which.", []mendStep{
			{"The Authorization header reads: AWS4-HMAC-SHA256 Credential=KEY/DATE/REGION/aws-marketplace/aws4_request, SignedHeaders=host;x-amz-date;…, Signature=HEX", ""}, stepClient,
		}},
	},
	"InvalidSignatureException": {
		{[]string{"signature expired", "not yet current"}, "The request was signed at a time that is more than 15 minutes from this machine’s. Signatures are measured by the wall clock, never by the market’s.", []mendStep{
			{"Set the client’s clock right. In containers and virtual machines it may stand still while the host sleeps.", "date -u"},
			{"Sign requests when they are sent, and do not replay old ones.", ""},
		}},
		{[]string{"getentitlements does not exist", "valid region"}, "The signature is scoped to a Region that is not the endpoint’s. GetEntitlements is in us-east-1, cn-northwest-1 and eusc-de-east-1 only.", []mendStep{
			{"Sign for a Region that has the operation.", "export AWS_REGION=us-east-1 AWS_DEFAULT_REGION=us-east-1"},
		}},
		{[]string{"credential should be scoped", "scoped to correct service"}, "The scope of the signature does not fit: its service has to be aws-marketplace, its date that of X-Amz-Date, its last part aws4_request.", []mendStep{
			{"The service of the scope is aws-marketplace for both services, whatever the endpoint is called.", ""}, stepEnv,
		}},
		{[]string{"signedheader"}, "A header that has to be signed is not in SignedHeaders.", []mendStep{
			{"Sign host and x-amz-date, and all other x-amz- headers.", ""}, stepClient,
		}},
		{[]string{"x-amz-content-sha256"}, "The body is not the one whose hash the client sent along: something changed it after it was signed.", []mendStep{
			{"Look for a proxy or middleware that rewrites or re-encodes bodies.", ""},
			{"Sign the bytes that are sent: serialize once, and sign that.", ""},
		}},
		{[]string{"x-amz-algorithm"}, "The request is signed twice, in its query string and in its Authorization header.", []mendStep{{"Send one of the two.", ""}}},
		{nil, "The signature is not the one that the key’s secret makes of this request: the secret is another, or the request changed after it was signed.", []mendStep{
			{"Take the secret of this very access key. A blank or line break that was copied along is a part of it.", "souk env"},
			{"Compare the canonical requests below, line by line.", ""},
			{"Have proxies pass Host, path, query and body on as they are.", ""},
		}},
	},
	"MissingAuthenticationTokenException": {{nil, "The request is not signed.", []mendStep{
		{"Give the client credentials; the SDKs send anonymous requests if they are told to.", "souk env"},
		{"Signature Version 4 is the only one there is: the Authorization header has to begin with AWS4-HMAC-SHA256.", ""},
	}}},
	"UnrecognizedClientException": {{nil, "Nobody has this access key: it is not known here, is inactive, or its session token is missing, altered or another key’s.", []mendStep{
		{"Use a key of this Souk; keys of AWS are not known here.", "souk env"},
		{"With a key that begins with ASIA, send its session token, too (AWS_SESSION_TOKEN). With one that begins with AKIA, unset it.", "unset AWS_SESSION_TOKEN"},
		{"See which keys there are: World, accounts.", "souk export"},
	}}},
	"UnknownOperationException": {{nil, "There is no such operation at this address: its name is misspelt or of the other service, or the method or content type is another than the protocol’s.", []mendStep{
		{"POST to “/”, with Content-Type application/x-amz-json-1.1 and X-Amz-Target AWSMPMeteringService.OPERATION (or AWSMPEntitlementService.GetEntitlements).", ""}, stepClient,
	}}},
	"SerializationException": {{nil, "The body cannot be read as what the protocol says it is, or a member has a value of another type than the operation wants.", []mendStep{
		{"Send a JSON object. Numbers are not strings, times are seconds since 1970.", ""}, stepClient,
	}}},
	"ValidationException": {{nil, "A member is missing, too long, too many, out of its range, or does not match its pattern. The message says which.", []mendStep{
		{"The limits are those of AWS’s model: 25 records, quantities from 0 to 2147483647, accounts of twelve digits, non-empty dimensions and tokens.", ""},
	}}},
	"MalformedHttpRequestException": {{nil, "The request is no sound HTTP: its body was cut short or badly chunked, or its head cannot be read.", []mendStep{
		{"Look at what is between client and Souk: proxies that cut, and clients that declare another Content-Length than they send.", ""},
	}}},
	"RequestAbortedException": {
		{[]string{"hung up"}, "The client closed the connection before the answer was ready. Nobody was told.", []mendStep{
			{"Give the client a longer timeout, if it was one. What was sent may have been done: retries of it are safe.", ""},
		}},
		{nil, "The request was given up before it could be answered.", []mendStep{stepRetry, stepFaults}},
	},
	"RequestTimeoutException": {{nil, "The request was not there in full within 30 seconds.", []mendStep{
		{"Send the body at once, and make it smaller if the way is slow.", ""}, stepRetry,
	}}},
	"RequestEntityTooLargeException": {{nil, "The request is larger than is taken: 1 MiB of body, 16 KiB of headers.", []mendStep{
		{"Send fewer records or allocations in a request.", ""},
	}}},
	"ThrottlingException": {
		{[]string{"shed:"}, "Souk has more to do than it can, and refuses what it has not begun.", []mendStep{stepRetry,
			{"Use fewer connections at once, or give Souk more processors and a larger --max-wait.", ""}}},
		{[]string{"over the quota"}, "The account has made more calls a second in this Region than its quota allows.", []mendStep{stepRetry,
			{"Send up to 25 records in one BatchMeterUsage rather than one each.", ""},
			{"Raise the quota, or lift it, with --quotas when Souk is started.", "souk dev --help"}}},
		{nil, "There were more calls than are allowed.", []mendStep{stepRetry, stepFaults}},
	},
	"ServiceUnavailable":            {{nil, "Souk cannot do its work at the moment: its store cannot be reached, is behind, or is shutting down.", []mendStep{stepRetry, stepServer, stepFaults}}},
	"InternalServiceErrorException": {{nil, "Souk failed, or a fault rule had it look so.", []mendStep{stepRetry, stepServer, stepFaults}}},
	"InternalFailure":               {{nil, "Souk failed, or a fault rule had it look so.", []mendStep{stepRetry, stepServer, stepFaults}}},
}

// unprocessedRecords is the list in BatchMeterUsage's answer of what the client has to send again.
const unprocessedRecords = "UnprocessedRecords"

// statusRemedies explain what an answered BatchMeterUsage says of a record. The status of the answer is 200 all the same.
var statusRemedies = map[string]remedy{
	"CustomerNotSubscribed": {what: "A record was not taken although the call was answered: at its time the customer had no agreement that takes usage. It never bought, the hour after the agreement’s end is over, or the agreement or account is suspended.", mend: []mendStep{
		stepAgreed, {"Stop serving the customer: its usage is not billed.", ""}, {"End a suspension.", "souk agreement reinstate {agreement}"},
	}},
	"DuplicateRecord": {what: "A record was not taken although the call was answered: the hour was metered before with another quantity or other allocations. The first record stays.", mend: []mendStep{
		{"Add usage up in your own store first, and send each hour once, when it is over.", ""}, {"See what was kept.", "souk usage list --product {product}"},
	}},
	unprocessedRecords: {what: "Some records were not looked at. Clients have to send the list UnprocessedRecords again; no SDK does that by itself.", mend: []mendStep{
		{"Send them again until the list is empty. Those that were taken before do no harm.", ""}, stepFaults,
	}},
}

// faultRemedy says what a fault rule did to a call.
func faultRemedy(effect string) remedy {
	what, ok := map[string]string{
		"refuse":      "A fault rule made this refusal up before anything was done. Nothing need be wrong with the call; what the error would mean otherwise stands below.",
		"delay":       "A fault rule held the call up. It then went on as usual.",
		"cut":         "A fault rule closed the connection before anything was done. An SDK sees a network error, and retries.",
		"lose":        "A fault rule lost the answer: what was asked for was done, and the client was not told. A retry has to give the same result.",
		"unprocessed": "A fault rule had the last records left unprocessed.",
	}[effect]
	if !ok {
		what = "A fault rule fired for this call."
	}
	return remedy{what: what, mend: []mendStep{{"See the rules and how often each has fired.", "souk fault list"}, {"Remove the rule.", "souk fault remove {fault}"}}}
}

// warningRemedy is about a call that did well, and perhaps not what its seller wants.
func warningRemedy(warning string) remedy {
	if strings.HasPrefix(warning, "BILLED TWICE") {
		return remedy{what: "The same hour was metered by product code and by license. AWS takes these for two identities, and bills the buyer twice.", mend: []mendStep{
			{"Meter by LicenseArn alone, everywhere, and from one moment on.", ""}, {"See both records.", "souk usage list --product {product}"},
		}}
	}
	return remedy{what: "The call did well, with a warning that AWS would not give.", mend: []mendStep{
		{"With a LicenseArn in its records, leave ProductCode out of the request.", ""},
	}}
}
