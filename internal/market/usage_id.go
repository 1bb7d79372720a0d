package market

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
)

// A MeteringRecordId is a UUID of version 4: half of it random, half a checksum over what the record says. So whoever was given the id, and the store's own
// check, can tell that the quantity that is kept is the one that was acknowledged.

// newRecordID draws an id for a record that is otherwise complete.
func newRecordID(rand io.Reader, r *UsageRecord) (RecordID, error) {
	var random [8]byte
	if _, err := io.ReadFull(rand, random[:]); err != nil {
		return RecordID{}, fmt.Errorf("market: draw record id: %w", err)
	}
	return recordID(random, r), nil
}

// recordID makes the id of a record out of its random half.
func recordID(random [8]byte, r *UsageRecord) RecordID { return recordIDOf(random, r, r.Series.Buyer) }

// recordIDOf is recordID where the bytes of the record's buyer are at hand in another place, too: those of a batch's buyers lie all over the memory.
func recordIDOf[T string | []byte](random [8]byte, r *UsageRecord, buyer T) (id RecordID) {
	random[6] = random[6]&0x0f | 0x40 // version 4
	var room [512]byte
	b := append(room[:0], random[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(r.Timestamp.UnixMilli()))
	b = binary.BigEndian.AppendUint64(b, uint64(r.Quantity))
	b = appendText(appendText(b, r.Series.Region), r.Series.ProductCode)
	b = appendText(b, buyer)
	b = appendText(appendText(appendText(b, r.Series.LicenseARN), r.Series.Dimension), r.Series.Resource)
	b = append(b, r.Allocations...)
	sum := sha256.Sum256(b)
	copy(id[:8], random[:])
	copy(id[8:], sum[:8])
	id[8] = id[8]&0x3f | 0x80 // the variant
	return id
}

func appendText[T string | []byte](b []byte, text T) []byte {
	return append(binary.BigEndian.AppendUint32(b, uint32(len(text))), text...)
}

// matches reports whether the id was made for what the record says.
func (id RecordID) matches(r *UsageRecord) bool { return recordID([8]byte(id[:8]), r) == id }
