package risk

// service is what is usually found on a port.
type service struct {
	tcp, udp []span
	level    Level
	reason   string // one sentence: what can happen
	advice   string // one sentence: what to do; empty: nothing
	sought   bool   // the outer port alone is enough: it is what strangers look for
}

// span is a range of ports, both ends included.
type span struct{ first, last uint16 }

func one(ports ...uint16) []span {
	var list []span
	for _, p := range ports {
		list = append(list, span{p, p})
	}
	return list
}

const (
	nothing   = "" // has to be done
	byTunnel  = "Close it, and reach it through homeward instead."
	notNeeded = "Close it. Nothing outside the house needs it."
)

// services are the ones that matter in a home, the worst first where two share a
// port. IANA's registry has the numbers; the makers' manuals those of cameras.
var services = []service{
	{tcp: append(one(135, 139, 445), span{137, 138}), udp: []span{{135, 139}, {445, 445}}, level: Danger, sought: true,
		reason: "Windows file sharing is open to the internet: it is searched for all day, and how ransomware gets in.", advice: byTunnel},
	{tcp: one(3389), udp: one(3389), level: Danger, sought: true,
		reason: "Remote desktop is open to the internet: passwords are tried all day, and every flaw of it has been used to take machines over.", advice: byTunnel},
	{tcp: append(one(5800, 5901, 5902), span{5900, 5900}), level: Danger, sought: true,
		reason: "Remote control of a screen (VNC) is open to the internet, mostly without encryption and with a password of eight characters at most.", advice: byTunnel},
	{tcp: one(23, 2323), level: Danger, sought: true,
		reason: "Telnet is open to the internet: it sends passwords unencrypted, and worms try the makers' ones all day.", advice: notNeeded},
	{tcp: one(20, 21), level: Danger, sought: true,
		reason: "FTP is open to the internet: it sends passwords and files unencrypted.", advice: byTunnel},
	{tcp: one(22, 2222), level: Caution, sought: true,
		reason: "SSH is open to the internet: passwords are tried all day. With keys alone, and updates, it holds.", advice: "Reach it through homeward instead, or allow keys alone in its settings."},
	{tcp: one(1433, 1521, 3306, 5432, 6379, 9200, 9300, 11211, 27017, 5984, 8086), udp: one(11211, 1434), level: Danger, sought: true,
		reason: "A database is open to the internet. Many have no password as they come, and open ones are found, copied and wiped within hours.", advice: byTunnel},
	{tcp: one(2375, 2376), level: Danger, sought: true,
		reason: "Docker's control is open to the internet: whoever reaches it runs what they like on the machine, as its administrator.", advice: notNeeded},
	{tcp: append(one(6443, 10250), span{2379, 2380}), level: Danger,
		reason: "The control of a cluster of containers is open to the internet: whoever gets in runs what they like.", advice: notNeeded},
	{tcp: one(8006, 8007, 16509), level: Danger,
		reason: "The control of virtual machines is open to the internet: whoever gets in has all of them.", advice: byTunnel},
	{tcp: one(554, 8554, 34567, 37777, 37778, 9527), udp: one(554, 34567, 37778), level: Danger, sought: true,
		reason: "A camera or recorder is open to the internet: such devices are seldom updated, and strangers watch those that they find.", advice: byTunnel},
	{udp: one(32100, 32108), level: Danger,
		reason: "A camera's direct connection is open to the internet: known to let strangers watch.", advice: byTunnel},
	{tcp: one(2049, 111), udp: one(2049, 111), level: Danger, sought: true,
		reason: "File sharing between machines (NFS) is open to the internet, in most set-ups without any password.", advice: byTunnel},
	{tcp: one(548), level: Danger,
		reason: "Apple file sharing is open to the internet.", advice: byTunnel},
	{tcp: one(873), level: Danger,
		reason: "rsync is open to the internet, in most set-ups without any password.", advice: byTunnel},
	{udp: one(161, 162), tcp: one(161), level: Danger, sought: true,
		reason: "A machine's innards (SNMP) can be read from the internet, often by the word “public”, and it is abused to attack others.", advice: notNeeded},
	{udp: one(1900, 5351, 5353, 3702), tcp: one(1900, 2869, 49152), level: Danger, sought: true,
		reason: "What devices at home use to find each other and to open ports (UPnP, NAT-PMP) is open to the internet: a stranger could open more doors, or use it to attack others.", advice: notNeeded},
	{tcp: one(7547, 30005), level: Danger, sought: true,
		reason: "The provider's maintenance door (TR-069) of a device is open to the internet: worms took over hundreds of thousands of routers by it.", advice: "Close it, and ask the provider if it comes back."},
	{udp: one(69, 19, 17, 389), tcp: one(389, 636), level: Danger,
		reason: "An old or inner service is open to the internet that is abused to attack others.", advice: notNeeded},
	{udp: one(53), tcp: one(53), level: Danger, sought: true,
		reason: "A name server is open to the internet: strangers use it to attack others.", advice: notNeeded},
	{udp: one(123), level: Caution,
		reason: "A clock (NTP) answers to the internet: it can be abused to attack others.", advice: notNeeded},
	{tcp: one(1883), level: Danger,
		reason: "The messages of a smart home (MQTT) are open to the internet, mostly without a password or encryption: strangers can listen and switch.", advice: byTunnel},
	{tcp: one(8883, 8123), level: Caution,
		reason: "A smart home is open to the internet: whoever gets past its password can listen and switch.", advice: byTunnel},
	{tcp: one(9100, 631, 515), udp: one(631), level: Danger,
		reason: "A printer is open to the internet: strangers can print, and read what is printed.", advice: byTunnel},
	{tcp: one(25, 465, 587, 110, 143, 993, 995), level: Caution,
		reason: "A mail server is open to the internet. If nobody here runs one on purpose, something else sends mail from this house.", advice: "Leave it only if somebody here looks after a mail server."},
	{tcp: one(5060, 5061), udp: one(5060, 5061), level: Caution,
		reason: "Telephony (SIP) is open to the internet: strangers try passwords to phone at your cost.", advice: "Close it, unless the telephone then no longer rings."},
	{tcp: one(5000, 5001), level: Caution,
		reason: "The page of a storage box (or another admin page) is open to the internet: a flaw in it, or a guessed password, gives away all files.", advice: byTunnel},
	{tcp: append(one(80, 81, 82, 88, 443, 591, 4443, 7443, 8001, 8008, 8080, 8081, 8082, 8088, 8090, 8181, 8443, 8888, 9000, 9090, 9443, 10000), span{3000, 3001}), level: Caution,
		reason: "A web page is open to the internet. If it is a device's settings, a flaw in it or a guessed password lets strangers in.", advice: "Leave it only if it is meant for everybody; else reach it through homeward."},
	{udp: one(443), level: Caution,
		reason: "A web page (HTTP/3) is open to the internet.", advice: "Leave it only if it is meant for everybody; else reach it through homeward."},
	{tcp: one(8000), level: Caution, sought: true,
		reason: "A camera's control, or a web page, is open to the internet: cameras are seldom updated, and strangers watch those that they find.", advice: byTunnel},
	{tcp: one(32400), level: Fine,
		reason: "A media server (Plex) lets its owners in from outside.", advice: "Keep it up to date."},
	{udp: one(500, 4500, 1194, 51820, 51821), tcp: one(1194), level: Fine,
		reason: "Another VPN lets its devices in: it answers only to those who have a key.", advice: "Close it if nobody uses it any more."},
	{tcp: []span{{6881, 6999}, {51413, 51413}}, udp: []span{{6881, 6999}, {51413, 51413}}, level: Fine,
		reason: "A program that shares files with strangers (BitTorrent) takes calls from outside.", advice: "Close it if nobody here uses such a program."},
	{udp: []span{{3074, 3075}, {3478, 3480}, {9308, 9308}}, tcp: []span{{3074, 3075}, {3480, 3480}, {9293, 9293}}, level: Fine,
		reason: "A game console or a call program takes calls from outside.", advice: nothing},
	{tcp: one(22000), udp: one(22000, 21027), level: Fine,
		reason: "A program that keeps folders equal (Syncthing) takes calls from its own devices.", advice: nothing},
}

func (s service) on(protocol string, port uint16) bool {
	list := s.tcp
	if protocol == "UDP" {
		list = s.udp
	}
	for _, r := range list {
		if port >= r.first && port <= r.last {
			return true
		}
	}
	return false
}

// lookUp finds the service behind an entry. Where it leads tells more than what it
// is called outside; the outer port counts when the inner one says nothing.
func lookUp(protocol string, external, internal uint16) (service, bool) {
	for _, s := range services {
		if s.on(protocol, internal) {
			return s, true
		}
	}
	for _, s := range services {
		if s.sought && s.on(protocol, external) {
			return s, true
		}
	}
	return service{}, false
}
