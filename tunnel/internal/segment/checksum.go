package segment

import (
	"encoding/binary"
	"math/bits"
)

// Sum adds b to a checksum of the internet (RFC 1071), not complemented. b is
// taken to begin at an even place.
func Sum(b []byte, sum uint16) uint16 {
	acc, carries := uint64(bits.ReverseBytes16(sum)), uint64(0) // little endian until the end
	for len(b) >= 128 {
		var carry uint64
		acc, carry = sumBlock((*[128]byte)(b), acc)
		carries += carry
		b = b[128:]
	}
	acc, carry := bits.Add64(acc, carries, 0)
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

// sumBlock adds a block to acc in one chain, since the carry between two rounds of
// a loop costs as much as several additions.
func sumBlock(b *[128]byte, acc uint64) (sum, carry uint64) {
	acc, carry = bits.Add64(acc, binary.LittleEndian.Uint64(b[0:]), 0)
	acc, carry = bits.Add64(acc, binary.LittleEndian.Uint64(b[8:]), carry)
	acc, carry = bits.Add64(acc, binary.LittleEndian.Uint64(b[16:]), carry)
	acc, carry = bits.Add64(acc, binary.LittleEndian.Uint64(b[24:]), carry)
	acc, carry = bits.Add64(acc, binary.LittleEndian.Uint64(b[32:]), carry)
	acc, carry = bits.Add64(acc, binary.LittleEndian.Uint64(b[40:]), carry)
	acc, carry = bits.Add64(acc, binary.LittleEndian.Uint64(b[48:]), carry)
	acc, carry = bits.Add64(acc, binary.LittleEndian.Uint64(b[56:]), carry)
	acc, carry = bits.Add64(acc, binary.LittleEndian.Uint64(b[64:]), carry)
	acc, carry = bits.Add64(acc, binary.LittleEndian.Uint64(b[72:]), carry)
	acc, carry = bits.Add64(acc, binary.LittleEndian.Uint64(b[80:]), carry)
	acc, carry = bits.Add64(acc, binary.LittleEndian.Uint64(b[88:]), carry)
	acc, carry = bits.Add64(acc, binary.LittleEndian.Uint64(b[96:]), carry)
	acc, carry = bits.Add64(acc, binary.LittleEndian.Uint64(b[104:]), carry)
	acc, carry = bits.Add64(acc, binary.LittleEndian.Uint64(b[112:]), carry)
	acc, carry = bits.Add64(acc, binary.LittleEndian.Uint64(b[120:]), carry)
	return acc, carry
}

// add adds two sums.
func add(a, b uint16) uint16 {
	s := uint32(a) + uint32(b)
	return uint16(s + s>>16)
}
