package console

import (
	"strconv"
	"strings"

	"github.com/souk-market/souk/internal/market"
)

// snippet is the first call in one language.
type snippet struct {
	ID      string
	Title   string
	Install string // what has to be there
	Code    string
}

// variable of the environment; one without a value is to be unset.
type variable struct{ name, value string }

// shellBlock is what `souk env` prints for a POSIX shell.
func shellBlock(env Environment) string {
	list := []variable{
		{"AWS_ENDPOINT_URL_MARKETPLACE_METERING", env.Endpoint}, {"AWS_ENDPOINT_URL_MARKETPLACE_ENTITLEMENT_SERVICE", env.Endpoint},
		{"AWS_REGION", env.Region}, {"AWS_DEFAULT_REGION", env.Region},
	}
	if env.AccessKeyID != "" {
		list = append(list, variable{"AWS_ACCESS_KEY_ID", env.AccessKeyID}, variable{"AWS_SECRET_ACCESS_KEY", env.SecretAccessKey},
			variable{name: "AWS_SESSION_TOKEN"}, variable{name: "AWS_PROFILE"}, variable{name: "AWS_DEFAULT_PROFILE"})
	}
	list = append(list, variable{name: "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"})
	var b strings.Builder
	for _, v := range list {
		if v.value == "" {
			b.WriteString("unset " + v.name + "\n")
		} else {
			b.WriteString("export " + v.name + "=" + shellQuote(v.value) + "\n")
		}
	}
	return b.String()
}

// shellWord quotes what a shell would take for more than a word. What is shown is pasted.
func shellWord(s string) string {
	special := func(r rune) bool {
		return !('0' <= r && r <= '9' || 'A' <= r && r <= 'Z' || 'a' <= r && r <= 'z' || strings.ContainsRune("-_./:@", r))
	}
	if s != "" && strings.IndexFunc(s, special) < 0 {
		return s
	}
	return shellQuote(plain(s))
}

func shellQuote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// snippets are a first call that succeeds with nothing but the environment: GetEntitlements of a product, which may be an empty list. A product code
// holds no character that needs escaping in any of these languages, for the market takes no other; it is quoted for all that.
func snippets(code string) []snippet {
	fill := strings.NewReplacer("CODE", strconv.QuoteToASCII(code), "SHELL", shellWord(code))
	list := []snippet{
		{"cli", "AWS CLI", "", `aws marketplace-entitlement get-entitlements --product-code SHELL`},
		{"python", "Python", "pip install boto3", `import boto3

client = boto3.client("marketplace-entitlement")
answer = client.get_entitlements(ProductCode=CODE)
print(answer["Entitlements"])`},
		{"javascript", "JavaScript", "npm install @aws-sdk/client-marketplace-entitlement-service", `import { MarketplaceEntitlementServiceClient, GetEntitlementsCommand }
  from "@aws-sdk/client-marketplace-entitlement-service";

const client = new MarketplaceEntitlementServiceClient({});
const answer = await client.send(new GetEntitlementsCommand({ ProductCode: CODE }));
console.log(answer.Entitlements);`},
		{"go", "Go", "go get github.com/aws/aws-sdk-go-v2/config github.com/aws/aws-sdk-go-v2/service/marketplaceentitlementservice", `package main

import (
	"context"
	"fmt"
	"log"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/marketplaceentitlementservice"
)

func main() {
	ctx := context.Background()
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		log.Fatal(err)
	}
	client := marketplaceentitlementservice.NewFromConfig(cfg)
	answer, err := client.GetEntitlements(ctx, &marketplaceentitlementservice.GetEntitlementsInput{ProductCode: aws.String(CODE)})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(answer.Entitlements), "entitlements")
}`},
		{"java", "Java", "software.amazon.awssdk:marketplaceentitlement", `import java.net.URI;
import software.amazon.awssdk.services.marketplaceentitlement.MarketplaceEntitlementClient;

public class First {
  public static void main(String[] args) {
    var endpoint = System.getenv("AWS_ENDPOINT_URL_MARKETPLACE_ENTITLEMENT_SERVICE");
    try (var client = MarketplaceEntitlementClient.builder().endpointOverride(URI.create(endpoint)).build()) {
      System.out.println(client.getEntitlements(r -> r.productCode(CODE)).entitlements());
    }
  }
}`},
	}
	for i := range list {
		list[i].Code = fill.Replace(list[i].Code)
	}
	return list
}

// stepsOf is the ladder: what each step is, where it is done, and whether it was.
func stepsOf(state ladderState, entitled, metered market.Product) []step {
	words := map[string]step{
		stepBuiltin: {Title: "Resolve a customer on the built-in page",
			Says: "Subscribe to a product as one of the sample buyers and press “Set up your account”. The page that comes with Souk takes the registration token and calls ResolveCustomer with it, as your page will."},
		stepOwn: {Title: "Resolve a customer on your own page",
			Says: "Set the product’s registration URL to your page, which calls ResolveCustomer with the token that the browser posts. Then press “Set up your account” again. Or begin without a page:"},
		stepMeter: {Title: "Send usage",
			Says: "BatchMeterUsage, hour by hour, with the customer that you resolved. The tick turns green when a record is taken."},
		stepEntitled: {Title: "Read entitlements",
			Says: "GetEntitlements tells what a buyer of a contract is entitled to. The first call above is one."},
	}
	resolve, meter := words[stepOwn], words[stepMeter]
	resolve.Command = "souk buy --product " + shellWord(entitled.Code) + "\naws meteringmarketplace resolve-customer --registration-token TOKEN"
	for _, d := range metered.Dimensions {
		if d.Kind == market.Metered {
			meter.Command = meterCommand(metered, d.Key)
			break
		}
	}
	if entitled.Code == "" {
		resolve.Command = ""
	}
	words[stepOwn], words[stepMeter] = resolve, meter
	var list []step
	for _, s := range state.Steps {
		v := words[s.ID]
		v.ID, v.Done, v.Seen = s.ID, s.Done, s.Seen
		switch {
		case entitled.Code == "":
			v.Link, v.LinkTo = "/", "See the products"
		case s.ID == stepBuiltin:
			v.Link, v.LinkTo = productPath(entitled.Code), "Subscribe to a product"
		case s.ID == stepOwn:
			v.Link, v.LinkTo = productPath(entitled.Code)+"#registration", "Set the registration URL"
		}
		list = append(list, v)
	}
	return list
}

// meterCommand sends one record. For one that is taken, ACCOUNT and LICENSE are what ResolveCustomer has answered.
func meterCommand(p market.Product, dimension string) string {
	record := "Timestamp=$(date -u +%FT%TZ),CustomerAWSAccountId=ACCOUNT,Dimension=" + shellWord(dimension) + ",Quantity=1"
	if p.Kind == market.ConcurrentAgreements {
		return "aws meteringmarketplace batch-meter-usage --usage-records " + record + ",LicenseArn=LICENSE"
	}
	return "aws meteringmarketplace batch-meter-usage --product-code " + shellWord(p.Code) + " --usage-records " + record
}
