package segment

import "encoding/binary"

const (
	// Batch is how many packets are looked at at one go.
	Batch   = 128
	maxSize = 65535 // of a joined packet
	maxOpen = 16    // streams that are being joined at one time
)

// Run is one packet of a batch, or several that follow each other in one TCP
// stream.
type Run struct {
	First, Last int // places in the batch
	Count       int
	MSS         int // payload of each packet but the last; of a single packet, 0
	Size        int // of the joined packet

	layout
	next   uint32 // sequence number that comes next
	closed bool   // nothing may follow
}

// HeaderLen is the length of the IP and TCP headers, IPLen of the IP header.
func (r *Run) HeaderLen() int { return r.header }

// IPLen is the length of the IP header: 20 or 40.
func (r *Run) IPLen() int { return r.ip }

// Runs are the packets of a batch, those of each stream in their order.
type Runs struct {
	List []Run
	next [Batch]uint8

	runs [Batch]Run
	open [maxOpen]uint8 // places in List of streams that may go on
	n    int            // of these
}

// Next is the packet that follows the i-th in its run.
func (r *Runs) Next(i int) int { return int(r.next[i]) }

// Find sorts a batch of at most Batch packets into runs.
func (r *Runs) Find(packets [][]byte, offset int) {
	r.List, r.n = r.runs[:0], 0
	for i := range packets {
		p := packets[i][offset:]
		l, ok := layoutOf(p)
		if !ok {
			r.begin(i, p)
			continue
		}
		at := r.stream(packets, offset, p, l)
		if at >= 0 && r.List[r.open[at]].follows(packets, offset, p, l) {
			run := &r.List[r.open[at]]
			r.next[run.Last] = uint8(i)
			run.add(i, p, l)
			continue
		}
		if at >= 0 { // of the same stream, but apart
			r.n--
			r.open[at] = r.open[r.n]
		}
		run := r.begin(i, p)
		run.layout, run.next = l, binary.BigEndian.Uint32(p[l.ip+tcpSeq:])+uint32(len(p)-l.header)
		if run.closed = p[l.ip+tcpFlags] != ack || len(p) == l.header; !run.closed {
			if r.n == maxOpen { // the oldest has had its time
				r.n = copy(r.open[:], r.open[1:])
			}
			r.open[r.n] = uint8(len(r.List) - 1)
			r.n++
		}
	}
	for i := range r.List {
		if r.List[i].Count == 1 {
			r.List[i].MSS = 0
		}
	}
}

func (r *Runs) begin(i int, p []byte) *Run {
	r.List = append(r.List, Run{First: i, Last: i, Count: 1, Size: len(p), closed: true})
	return &r.List[len(r.List)-1]
}

// stream finds the open run of p's stream, or -1.
func (r *Runs) stream(packets [][]byte, offset int, p []byte, l layout) int {
	for at := r.n - 1; at >= 0; at-- {
		run := &r.List[r.open[at]]
		if run.ip == l.ip && sameStream(packets[run.First][offset:], p, l) {
			return at
		}
	}
	return -1
}

// follows says whether p may be joined to the run: it is the next of its
// stream, and has the same headers but for what joining takes from the last.
func (r *Run) follows(packets [][]byte, offset int, p []byte, l layout) bool {
	payload := len(p) - l.header
	flags := p[l.ip+tcpFlags]
	if r.closed || l != r.layout || payload == 0 || payload > r.mss(packets, offset) || r.Size+payload > maxSize ||
		flags&^psh != ack || binary.BigEndian.Uint32(p[l.ip+tcpSeq:]) != r.next {
		return false
	}
	first, last := packets[r.First][offset:], packets[r.Last][offset:]
	return sameIP(first, p, l, r.Count) && sameOptions(last[l.ip+tcpMin:l.header], p[l.ip+tcpMin:l.header])
}

func (r *Run) mss(packets [][]byte, offset int) int {
	if r.MSS == 0 {
		return len(packets[r.First][offset:]) - r.header
	}
	return r.MSS
}

// sameIP compares what routers and the other end look at. count is how many
// packets lie between first and p.
func sameIP(first, p []byte, l layout, count int) bool {
	if l.ip == ip6Min {
		return string(first[:4]) == string(p[:4]) && first[7] == p[7] // class and label, hop limit
	}
	if first[1] != p[1] || first[8] != p[8] || first[6] != p[6] {
		return false
	}
	// Without "don't fragment" the numbers tell fragments apart: keep them.
	return first[6]&0x40 != 0 || binary.BigEndian.Uint16(p[4:]) == binary.BigEndian.Uint16(first[4:])+uint16(count)
}

// sameOptions says whether the options are the same, or differ by timestamps
// only.
func sameOptions(a, b []byte) bool {
	const timestamps = "\x01\x01\x08\x0a"
	return string(a) == string(b) || len(a) == 12 && string(a[:4]) == timestamps && string(b[:4]) == timestamps
}

func (r *Run) add(i int, p []byte, l layout) {
	payload := len(p) - l.header
	if r.Count == 1 {
		r.MSS = r.Size - r.header
	}
	r.Last, r.Count, r.Size, r.next = i, r.Count+1, r.Size+payload, r.next+uint32(payload)
	r.closed = payload < r.MSS || p[l.ip+tcpFlags]&psh != 0
}

// Merge makes the headers of a run's first packet those of the joined one. The
// TCP checksum becomes the sum of the pseudo header, to be completed by whoever
// cuts the packet up.
func (r *Run) Merge(first, last []byte) {
	copy(first[r.ip+tcpAck:r.header], last[r.ip+tcpAck:r.header]) // the newest
	setLength(first, r.layout, r.Size)
	sum := add(pseudo(first, r.layout), uint16(r.Size-r.ip))
	binary.BigEndian.PutUint16(first[r.ip+tcpSum:], sum)
}
