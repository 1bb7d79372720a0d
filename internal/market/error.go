package market

import (
	"errors"
	"fmt"
)

// Code is what kind of thing went wrong. Faces map it: internal/api to AWS's errors, internal/admin to HTTP statuses.
type Code string

const (
	InvalidToken Code = "InvalidToken" // a registration token that stands for nothing, or not for this caller
	ExpiredToken Code = "ExpiredToken" // a registration token whose time is over, or that was used up
	DisabledAPI  Code = "DisabledAPI"  // the Region does not have this operation
	// Of metering and entitlements.
	InvalidCustomer      Code = "InvalidCustomer"      // a customer id that is missing, twofold, or nobody's
	InvalidLicense       Code = "InvalidLicense"       // a license that is not the caller's to meter, or not now
	InvalidProduct       Code = "InvalidProduct"       // a product code that is not the caller's to use
	InvalidTag           Code = "InvalidTag"           // too many tags, or malformed ones
	InvalidAllocations   Code = "InvalidAllocations"   // allocations that do not add up, are too many, or are alike
	InvalidDimension     Code = "InvalidDimension"     // a dimension that the product does not meter
	TimestampOutOfBounds Code = "TimestampOutOfBounds" // too old, too new, or before the agreement
	NotEntitled          Code = "NotEntitled"          // the buyer has no agreement that allows it
	DuplicateRequest     Code = "DuplicateRequest"     // another quantity for an hour that was metered
	IdempotencyConflict  Code = "IdempotencyConflict"  // a client token again, with other parameters
	InvalidEndpoint      Code = "InvalidEndpoint"      // MeterUsage in a Region other than the workload's
	InvalidRegion        Code = "InvalidRegion"        // RegisterUsage in a Region other than the workload's
	InvalidKeyVersion    Code = "InvalidKeyVersion"    // a public key version that there is not
	WrongPlatform        Code = "WrongPlatform"        // RegisterUsage from anything but an ECS task or an EKS pod
	DryRun               Code = "DryRun"               // MeterUsage would have been done
	InvalidParameter     Code = "InvalidParameter"     // GetEntitlements: a filter or a page token
	WrongRegion          Code = "WrongRegion"          // GetEntitlements is not in that Region at all

	NotFound      Code = "NotFound"      // what was named does not exist
	Conflict      Code = "Conflict"      // the state does not allow it
	Invalid       Code = "Invalid"       // the input is not well formed
	Forbidden     Code = "Forbidden"     // not this caller's to do
	Unsupported   Code = "Unsupported"   // the store cannot do it
	Unavailable   Code = "Unavailable"   // the store cannot be reached or is shutting down
	OutcomeUnsure Code = "OutcomeUnsure" // the store cannot tell whether the act took effect
)

// Error is the one error type that leaves this package on purpose. Any other error is internal: faces withhold its text.
type Error struct {
	Code    Code
	Message string // for the caller
	// Reason is the truth where the caller must not be told it (whose token this is, for one). It goes to the log and the
	// request record only.
	Reason string
	// Problems holds every finding where there can be many (a world file).
	Problems []Problem
}

func (e *Error) Error() string {
	if e.Reason != "" {
		return "market: " + e.Message + " (" + e.Reason + ")"
	}
	return "market: " + e.Message
}

// Problem is one finding about a part of some input, or about the stored state.
type Problem struct {
	Path   string `json:"path"`   // "products[1].seller", "agreement agmt-…"
	Line   int    `json:"line"`   // in the file it came from; 0 if there is none
	Reason string `json:"reason"` // in plain words
}

func (p Problem) String() string {
	if p.Line > 0 {
		return fmt.Sprintf("line %d: %s: %s", p.Line, p.Path, p.Reason)
	}
	return p.Path + ": " + p.Reason
}

// CodeOf is the code of a market error somewhere in err's chain; "" for any other error.
func CodeOf(err error) Code {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

func fail(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}
