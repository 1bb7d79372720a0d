package console

// Steps that many remedies have in common.
var (
	stepProducts = mendStep{"See which products there are, and which account sells each.", "souk product list"}
	stepNewToken = mendStep{"Get a fresh token, as a click on “Set up your account” gives one.", "souk buy --product {product}"}
	stepAgreed   = mendStep{"See which agreements the buyer has, and their state.", "souk agreement list --product {product}"}
	stepClock    = mendStep{"Compare with the market’s clock, which is what counts and may have been moved.", "souk clock show"}
	stepWindow   = mendStep{"Send usage every hour. Records that come too late are lost on AWS too: there is no way to send them afterwards.", ""}
	stepWorkload = mendStep{"Sign as a workload does: give a role a workload in the world file (ec2-instance, ecs-task, eks-pod or agentcore-runtime), and take a session of it.",
		"souk session --role {role} --name task-1"}
)

// marketRemedies explain the errors of the marketplace’s own operations, by code. Where a code has several causes, the reason that the record has
// tells them apart.
var marketRemedies = map[string][]remedy{
	"InvalidTokenException": {
		{[]string{"was published by account"}, "The token is good, but it belongs to another seller’s product. Only the account that published a product can resolve its tokens. The caller is not told so, lest a stranger learn that the token was real.", []mendStep{
			{"Sign with a key of the account that sells the product. The reason above names both accounts.", "souk product show {product}"},
			{"If one page serves products of several sellers, give each its own registration URL.", "souk product set {product} --registration-url URL"},
		}},
		{[]string{"does not open"}, "The token stands for nothing here: it was altered or cut short on its way, comes from another Souk, or was sealed under a key that was retired since.", []mendStep{
			{"Decode the form exactly once. A “+” that became a blank was decoded twice, or not written as “%2B”.", ""},
			stepNewToken,
			{"See whether the key was retired.", "souk token-key list"},
		}},
		{nil, "The registration token does not resolve. AWS gives this one answer for every cause.", []mendStep{
			{"Pass on what the field x-amzn-marketplace-token of the browser’s POST holds, unchanged.", ""},
			stepNewToken,
		}},
	},
	"ExpiredTokenException": {
		{[]string{"security token"}, "The caller’s temporary credentials have expired. This is not about a registration token, although the code is the same: only the message tells them apart.", []mendStep{
			{"Take a new session, or let the SDK refresh its credentials.", "souk session --role {role} --duration 1h"},
		}},
		{[]string{"single use"}, "The token was for single use, and was resolved before. With --token-reuse replay a second call gets the same answer until the token expires.", []mendStep{
			{"Keep the first answer, and never resolve a token twice.", ""},
			{"Or let tokens of the product be resolved again.", "souk product set {product} --token-reuse replay"},
			stepNewToken,
		}},
		{nil, "The registration token was resolved too late. A token lives four hours by the market’s clock, unless the product says otherwise.", []mendStep{
			{"Resolve a token as soon as the browser brings it.", ""},
			stepNewToken, stepClock,
			{"Let tokens of the product live longer.", "souk product set {product} --token-life 24h"},
		}},
	},
	"DisabledApiException": {{nil, "The operation is not there in the Region that the call was signed for. AWS has a table of Regions for each operation, and Souk follows it.", []mendStep{
		{"Call it in a Region that has it.", "export AWS_REGION=us-east-1 AWS_DEFAULT_REGION=us-east-1"},
	}}},
	"CustomerNotEntitledException": {
		{[]string{"workload"}, "The caller is not a workload, so no buyer stands behind the call.", []mendStep{stepWorkload}},
		{[]string{"never bought"}, "The account that the workload runs in has never bought the product.", []mendStep{
			{"Buy the product for that account.", "souk buy --product {product} --buyer {account}"}, stepAgreed,
		}},
		{nil, "The buyer has no agreement that allows this now: there was none, it has ended or has not started, or it or the account is suspended.", []mendStep{
			stepAgreed,
			{"Buy the product again.", "souk buy --product {product} --buyer {account}"},
			{"End a suspension.", "souk agreement reinstate {agreement}"}, stepClock,
		}},
	},
	"DuplicateRequestException": {{nil, "The hour was metered before, for this dimension and session, with another quantity or other allocations. The first record stays; nothing is added up or amended.", []mendStep{
		{"Add usage up in your own store first, and send each hour once, when it is over.", ""},
		{"See what was kept.", "souk usage list --product {product}"},
	}}},
	"IdempotencyConflictException": {{nil, "The ClientToken was used before with other parameters. For 24 hours it stands for that first call.", []mendStep{
		{"Make a new ClientToken for each new record, and use it again only for retries of the very same call.", ""},
	}}},
	"InvalidCustomerIdentifierException": {
		{[]string{"both customeridentifier"}, "A record names its customer twice. It takes CustomerIdentifier or CustomerAWSAccountId, not both.", []mendStep{
			{"Send CustomerAWSAccountId alone: it is the id of today, and the only one that goes with a LicenseArn.", ""},
		}},
		{[]string{"neither customeridentifier"}, "A record does not say whose usage it is.", []mendStep{
			{"Send the CustomerAWSAccountId that ResolveCustomer answered.", ""},
		}},
		{[]string{"different ids"}, "Some records name customers by CustomerIdentifier and others by CustomerAWSAccountId. One request uses one kind.", []mendStep{
			{"Send two requests, or CustomerAWSAccountId everywhere.", ""},
		}},
		{[]string{"with a licensearn"}, "A record with a LicenseArn names its customer by CustomerIdentifier, which licenses do not go with.", []mendStep{
			{"Send CustomerAWSAccountId beside the LicenseArn.", ""},
		}},
		{nil, "A record is of a customer whom nobody knows.", []mendStep{
			{"Send the id exactly as ResolveCustomer answered it; a CustomerIdentifier is not an account id.", ""}, stepAgreed,
		}},
	},
	"InvalidEndpointRegionException": {
		{[]string{"does not exist in"}, "MeterUsage is not there, for a workload of this kind, in the Region that the call was signed for.", []mendStep{
			{"Run the workload in a Region that has it.", "export AWS_REGION=us-east-1 AWS_DEFAULT_REGION=us-east-1"},
		}},
		{nil, "MeterUsage has to be called in the Region that the workload runs in.", []mendStep{
			{"Do not set a Region in code: let the SDK take that of the machine. The reason above names both.", ""},
			{"Or change workload_region of the role in the world file, and apply it.", "souk apply -f world.yaml"},
		}},
	},
	"InvalidLicenseException": {
		{[]string{"concurrent-agreements"}, "A buyer may have several agreements for this product at once, so its usage has to say which one it is of.", []mendStep{
			{"Send the LicenseArn and the CustomerAWSAccountId that ResolveCustomer answered, in each record, and no ProductCode.", ""}, stepAgreed,
		}},
		{[]string{"active from"}, "The record is of a time before the license became active.", []mendStep{
			{"Send usage from the agreement’s start on.", "souk agreement list --product {product}"}, stepClock,
		}},
		{nil, "The LicenseArn is not one that this call may meter: it does not exist, is another seller’s, another buyer’s or of another product, or is not active at the record’s time.", []mendStep{
			{"Send the LicenseArn that ResolveCustomer answered for this very agreement: renewing and replacing mint a new one.", ""}, stepAgreed,
		}},
	},
	"InvalidParameterException": {
		{[]string{"page token"}, "The NextToken does not go with this call. It is good for 24 hours, and for the product, filter and account that it was given for.", []mendStep{
			{"Begin again without a NextToken, and leave paging to the SDK’s paginator.", ""},
		}},
		{[]string{"there is no product", "was published by account"}, "The product does not exist, or the caller’s account does not sell it.", []mendStep{
			stepProducts, {"Sign with a key of the account that sells it.", ""},
		}},
		{nil, "The filter asks for what cannot be asked for.", []mendStep{
			{"DIMENSION needs another filter beside it; of CUSTOMER_IDENTIFIER and CUSTOMER_AWS_ACCOUNT_ID only one can be given; products with several agreements per buyer have no CUSTOMER_IDENTIFIER.", ""},
		}},
	},
	"InvalidProductCodeException": {
		{[]string{"was published by account"}, "The product is another seller’s. Only the account that published a product can meter it.", []mendStep{
			{"Sign with a key of the account that sells it. The reason above names both accounts.", "souk product show {product}"},
		}},
		{[]string{"neither the request"}, "Nothing says which product the usage is of.", []mendStep{
			{"Send a ProductCode with the request, or a LicenseArn with each record.", ""},
		}},
		{nil, "There is no product of that code here.", []mendStep{
			stepProducts, {"A product code (25 characters) is not a product id (prod-…). Codes differ between Souk and AWS unless the world file says otherwise.", ""},
		}},
	},
	"InvalidPublicKeyVersionException": {{nil, "RegisterUsage was asked to sign with a version of the key that there is not.", []mendStep{
		{"See which versions there are. The first is 1.", "souk signing-key list"},
	}}},
	"InvalidRegionException": {{nil, "RegisterUsage has to be called in the Region that the task or pod runs in.", []mendStep{
		{"Do not set a Region in code: let the SDK take that of the task. The reason above names both.", ""},
		{"Or change workload_region of the role in the world file, and apply it.", "souk apply -f world.yaml"},
	}}},
	"InvalidTagException": {{nil, "The tags of an allocation are not as they may be: at most 5, each key once, keys of 1 to 100 and values of 1 to 256 characters, without characters such as a backslash; and at most 5 different keys in a record.", []mendStep{
		{"The reason above says which tag it was.", ""},
	}}},
	"InvalidUsageAllocationsException": {{nil, "The allocations of a record do not fit it: their quantities must add up to the record’s, no two may have the same tags, and there may be 2,500 at most.", []mendStep{
		{"The reason above says which of these it was. Put what has no tag into one allocation without tags.", ""},
	}}},
	"InvalidUsageDimensionException": {
		{[]string{"not metered"}, "The dimension is bought up front (entitled), so it is not metered.", []mendStep{
			{"Meter a dimension that is billed by use, or read what was bought with GetEntitlements.", "souk product show {product}"},
		}},
		{nil, "The product has no dimension of that key. Keys count case.", []mendStep{
			{"See the product’s dimensions, and send the key, not the name.", "souk product show {product}"},
		}},
	},
	"PlatformNotSupportedException": {{nil, "RegisterUsage is for containers: it takes the session of a role whose workload is an ECS task or an EKS pod. On AWS it fails like this on a laptop, too.", []mendStep{
		stepWorkload,
		{"Outside of containers leave RegisterUsage out: SaaS products do not call it.", ""},
	}}},
	"TimestampOutOfBoundsException": {
		{[]string{"looks like"}, "The time is given in milliseconds, or finer, where seconds belong.", []mendStep{
			{"Divide by 1000, or hand the SDK its language’s own type of time.", ""},
		}},
		{[]string{"in the future"}, "The record is of a time that has not come yet, by the market’s clock.", []mendStep{
			stepClock, {"At most five minutes ahead are taken.", ""},
		}},
		{[]string{"closed at 06:00"}, "The record is of the month before, whose bill was closed at 06:00 UTC on the 1st.", []mendStep{stepWindow, stepClock}},
		{[]string{"before the customer", "no subscription"}, "The record is of a time at which the customer had not subscribed.", []mendStep{
			stepAgreed, {"Send usage from the agreement’s start on.", ""},
		}},
		{nil, "The record’s time is out of the range that is taken: BatchMeterUsage takes less than 24 hours back (--usage-window), MeterUsage 6 hours.", []mendStep{stepClock, stepWindow}},
	},
	"DryRunOperation": {{nil, "All is well: the call had DryRun set, and would have been done without it. Nothing was stored.", []mendStep{
		{"Leave DryRun out to meter.", ""},
	}}},
	"UnauthorizedException": {{nil, "The call had DryRun set, and the policies of its caller do not allow it.", []mendStep{
		{"Attach a policy that allows aws-marketplace:MeterUsage on resource “*”, and apply the world file.", "souk apply -f world.yaml"},
	}}},
}
