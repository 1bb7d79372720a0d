package awsproto

// The patterns of the service models (botocore 1.43.11), as they stand in the texts of faults. They are matched by the
// functions below, a byte at a time: Go's regexp would take longer for one ARN than the rest takes for a whole record. A pattern
// holds for the whole string, as Java's Matcher.matches has it.
const (
	patternAny         = `[\s\S]+`
	patternNoSpace     = `\S+`
	patternAccountID   = `^[0-9]+$`
	patternProductCode = `^[-a-zA-Z0-9/=:_.@]*$`
	patternLicenseARN  = `^arn:aws[a-zA-Z-]*:[A-Za-z0-9][A-Za-z0-9_/.-]{0,62}:[A-Za-z0-9_/.-]{0,63}:[A-Za-z0-9_/.-]{0,63}:[A-Za-z0-9][A-Za-z0-9:_/+=,@.-]{0,1023}$`
)

// class is a set of sets of bytes: those that patterns name in brackets.
type class uint8

const (
	classDigit       class = 1 << iota // [0-9]
	classAlnum                         // [A-Za-z0-9]
	classPartition                     // [a-zA-Z-]
	classARNPart                       // [A-Za-z0-9_/.-]
	classARNResource                   // [A-Za-z0-9:_/+=,@.-]
	classProductCode                   // [-a-zA-Z0-9/=:_.@]
	classTag                           // [a-zA-Z0-9+ -=._:\/@], where " -=" is the range from 0x20 to 0x3d
	classSpace                         // \s, as Java has it
)

// classes says which sets a byte is in.
var classes = func() (of [256]class) {
	add := func(c class, ranges string) { // pairs of a first and a last byte
		for i := 0; i < len(ranges); i += 2 {
			for b := int(ranges[i]); b <= int(ranges[i+1]); b++ {
				of[b] |= c
			}
		}
	}
	add(classDigit, "09")
	add(classAlnum, "AZaz09")
	add(classPartition, "azAZ--")
	add(classARNPart, "AZaz09__//..--")
	add(classARNResource, "AZaz09::__//++==,,@@..--")
	add(classProductCode, "--azAZ09//==::__..@@")
	add(classTag, "azAZ09++ =..__:://@@")
	add(classSpace, "\t\r  ")
	return of
}()

// span counts the bytes at the beginning of b that are in c.
func span(b []byte, c class) int {
	for i, x := range b {
		if classes[x]&c == 0 {
			return i
		}
	}
	return len(b)
}

// all says whether b has nothing but bytes that are in c. Nothing at all is fine.
func all(b []byte, c class) bool { return span(b, c) == len(b) }

// ValidTagText says whether b matches the pattern of TagKey and of TagValue, ^[a-zA-Z0-9+ -=._:\/@]+$. In it " -=" is a range, so that
// these are in it, too: ! " # $ % & ' ( ) * , ; < and no backslash. Lengths, at most 100 and 256, are not looked at. Validate asks none of this: AWS
// answers a bad tag with InvalidTagException, which is the marketplace's to give.
func ValidTagText(b []byte) bool { return len(b) > 0 && all(b, classTag) }

func validAccountID(b []byte) bool { return len(b) > 0 && all(b, classDigit) }

func validProductCode(b []byte) bool { return all(b, classProductCode) }

func validNoSpace(b []byte) bool {
	for _, c := range b {
		if classes[c]&classSpace != 0 {
			return false
		}
	}
	return len(b) > 0
}

// validLicenseARN matches patternLicenseARN. Of its five parts only the last may have a colon in it, so there is no going back.
func validLicenseARN(b []byte) bool {
	const prefix = "arn:aws"
	if len(b) < len(prefix) || string(b[:len(prefix)]) != prefix {
		return false
	}
	b = b[len(prefix):]
	for part := range 4 { // the rest of the partition, service, Region, account
		c, most := classARNPart, 63
		if part == 0 {
			c, most = classPartition, len(b)
		}
		n := span(b, c)
		if n > most || n == len(b) || b[n] != ':' {
			return false
		}
		if part == 1 && (n == 0 || classes[b[0]]&classAlnum == 0) {
			return false
		}
		b = b[n+1:]
	}
	return len(b) > 0 && len(b) <= 1024 && classes[b[0]]&classAlnum != 0 && all(b, classARNResource)
}
