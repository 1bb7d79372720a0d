package main

import "bytes"

const filterKey = "CUSTOMER_AWS_ACCOUNT_ID"

func entitlementsJSON(account string) []byte {
	return []byte(`{"ProductCode":"` + entitled + `","Filter":{"` + filterKey + `":["` + account + `"]}}`)
}

// entitlementsCBOR is the same as the AWS SDK for Go writes it.
func entitlementsCBOR(account string) []byte {
	b := []byte{0xa2} // a map of two
	b = appendText(b, "ProductCode")
	b = appendText(b, entitled)
	b = appendText(b, "Filter")
	b = append(b, 0xa1)
	b = appendText(b, filterKey)
	b = append(b, 0x81) // a list of one
	return appendText(b, account)
}

// appendText appends a text of less than 256 bytes.
func appendText(b []byte, s string) []byte {
	if len(s) < 24 {
		b = append(b, 0x60|byte(len(s)))
	} else {
		b = append(b, 0x78, byte(len(s)))
	}
	return append(b, s...)
}

func countOf(b []byte, s string) int { return bytes.Count(b, []byte(s)) }
