package segment

import (
	"encoding/binary"
	"math/bits"
)

// Sum adds b to a checksum of the internet (RFC 1071), not complemented. b is
// taken to begin at an even place.
func Sum(b []byte, sum uint16) uint16 {
	acc, carry := uint64(bits.ReverseBytes16(sum)), uint64(0) // little endian until the end
	for len(b) >= 32 {
		acc, carry = bits.Add64(acc, binary.LittleEndian.Uint64(b), carry)
		acc, carry = bits.Add64(acc, binary.LittleEndian.Uint64(b[8:]), carry)
		acc, carry = bits.Add64(acc, binary.LittleEndian.Uint64(b[16:]), carry)
		acc, carry = bits.Add64(acc, binary.LittleEndian.Uint64(b[24:]), carry)
		b = b[32:]
	}
	for len(b) >= 8 {
		acc, carry = bits.Add64(acc, binary.LittleEndian.Uint64(b), carry)
		b = b[8:]
	}
	if len(b) > 0 {
		var last [8]byte
		copy(last[:], b)
		acc, carry = bits.Add64(acc, binary.LittleEndian.Uint64(last[:]), carry)
	}
	for carry != 0 {
		acc, carry = bits.Add64(acc, 0, carry)
	}
	folded := acc>>32 + acc&0xffffffff
	folded = folded>>32 + folded&0xffffffff
	folded = folded>>16 + folded&0xffff
	folded = folded>>16 + folded&0xffff
	folded = folded>>16 + folded&0xffff
	return bits.ReverseBytes16(uint16(folded))
}

// add adds two sums.
func add(a, b uint16) uint16 {
	s := uint32(a) + uint32(b)
	return uint16(s + s>>16)
}
