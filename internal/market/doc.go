// Package market is the marketplace itself: what is sold, who bought it, and what the registration tokens that buyers
// carry to sellers stand for. It holds the rules; it knows neither HTTP nor SQL.
//
// The words are AWS's own:
//
//	Product      what a seller lists, known to sellers by its ProductCode and to the catalog by its product id (prod-…)
//	Offer        terms on which a product can be bought: public, or a free trial
//	Agreement    what comes of accepting an offer (agmt-…)
//	License      what an agreement entitles to, known by its LicenseArn
//	Customer     a buyer as sellers see it: CustomerIdentifier, the same for one buyer across all products
//	Registration token   what the buyer's browser posts to the seller's page, and ResolveCustomer turns into the customer
//
// A product of the kind "legacy" has at most one active agreement a buyer, and its customers are known by
// CustomerIdentifier. One of the kind "concurrent-agreements" has as many as are bought, each with its own LicenseArn, and its
// CustomerIdentifier is the empty string.
//
// Every method of Service takes the Caller as its second parameter: an act without an identity does not compile.
package market
