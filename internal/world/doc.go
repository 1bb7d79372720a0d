// Package world reads and writes world files: a whole marketplace as one declarative YAML document. JSON is YAML too.
//
//	version: 1
//	accounts:
//	  - id: 111122223333            # twelve digits; quotes are not needed
//	    name: Sample Seller
//	    seller: true                # may publish; likewise buyer, suspended
//	    access_keys: [{id: AKIAROOTEXAMPLE00001, secret: …}]   # of the account's root
//	policies:                       # customer managed
//	  - account: 111122223333
//	    name: Resolve
//	    document:                   # YAML, or a string that holds JSON
//	      Version: 2012-10-17
//	      Statement: [{Effect: Allow, Action: aws-marketplace:ResolveCustomer, Resource: "*"}]
//	users:                          # roles: the same, without access_keys, and with a workload if they have one:
//	                                # ecs-task, eks-pod, ec2-instance, agentcore-runtime; and a workload_region, if it is to call in no other
//	  - account: 111122223333
//	    name: website
//	    policies: [{name: Inline, document: …}]
//	    attached: [Resolve, AWSMarketplaceMeteringFullAccess]
//	    boundary: Resolve
//	    access_keys: [{id: AKIAWEBSITEEXAMPLE01, secret: …, active: true, name: website, note: for people}]
//	products:
//	  - code: 4xqb3v1eaqlrl0mvi1pb8wb1x
//	    id: prod-abcdefghijklm       # minted if left out
//	    seller: 111122223333
//	    title: Sample
//	    description: For people
//	    kind: legacy                 # or concurrent-agreements
//	    registration_url: https://example.com/register
//	    token_life: 4h
//	    token_reuse: replay          # or single
//	    dimensions:
//	      - {key: users, kind: metered, name: Users, unit: Users, price: 0.25}   # USD a unit, the list price; none is said if left out
//	      - {key: seats, kind: entitled, type: integer}   # or double, boolean, string; integer if left out
//	    offers:
//	      - {id: offer-abcdefghijklm, kind: free-trial, name: Trial, trial_days: 14}
//	      - kind: private            # or public
//	        buyers: [444455556666]   # of a private one
//	        pricing: contract        # or usage, contract-with-consumption; what fits the dimensions if left out
//	        term_months: 12          # of contracts, 1 to 60
//	        entitlements: {seats: 10}   # what a purchase gives that names no quantities
//	        prices: {seats: 99.50}      # this offer's own, in place of the list prices; of entitled dimensions for the whole term
//	    created_at: 2026-11-23T12:00:00Z   # RFC 3339; the present if left out. Offers, access keys and customers have it too
//	customers:
//	  - account: 444455556666        # one that is left out gets an identifier with its first agreement
//	    identifier: X01EXAMPLEX      # ResolveCustomer's CustomerIdentifier; once given, it stays
//	agreements:
//	  - id: agmt-…                   # minted if left out
//	    product: 4xqb3v1eaqlrl0mvi1pb8wb1x
//	    buyer: 444455556666
//	    offer: offer-abcdefghijklm   # the public one if left out
//	    free_trial: true
//	    status: ACTIVE
//	    license_arn: arn:aws:license-manager::…
//	    accepted_at: 2026-11-23T12:00:00Z  # the present if left out
//	    start_at: 2026-11-23T12:00:00Z     # accepted_at
//	    end_at: 2026-12-07T12:00:00Z       # a trial's days or a contract's months after its start; no end
//	    term_months: 12              # of contracts; the offer's
//	    auto_renew: true
//	    suspended: true              # or since when it is
//	    intent: RENEW                # or REPLACE, with the agreement that this one follows:
//	    preceding: agmt-…
//	    entitlements: {seats: 10, storage: 1.5, sso: true, tier: gold}   # these and no others; the offer's
//
// An agreement whose start is still to come starts by itself, one whose end has passed is expired, or renewed, when the file is applied. One that is
// over without an end ends when the file is applied, and one that ends before it starts never started.
//
// Text is taken as it stands in the file: an account 012345678901 is not the octal number that YAML would make of it. A key
// without a value counts as left out. Anchors, aliases and merge keys (<<) work. What is not known is refused.
//
// Parse finds all that can be found without a store; what is left (does the account exist?) market.ApplyWorld finds,
// and File.Locate gives its findings their lines.
package world
