package guide

// menu is where things are in a brand's pages, in the pages' own words.
type menu struct {
	name string // what people call it
	page string // how its page is opened; empty: by the router's address alone
	// forward is the way to the list of forwarded ports, add what is pressed there.
	forward []string
	add     string
	fields  fields
	// also are fields that need something besides the rule.
	also []Value
	// upnp is the name of the switch by which devices may open ports by themselves,
	// switchAt the way to it, before something that has to be done there first.
	upnp     string
	switchAt []string
	before   string
}

// fields are the names of the form's fields. An empty one has no such field.
type fields struct {
	name, protocol, external, address, internal string
}

var menus = map[Brand]menu{
	Generic: {
		name: "another router", forward: []string{"“Port forwarding”, “Virtual server”, “NAT” or “Port sharing”, often under “Advanced”"}, add: "Add",
		fields: fields{"Name", "Protocol", "External port (or WAN port)", "Internal address (or device)", "Internal port (or LAN port)"},
		upnp:   "UPnP", switchAt: []string{"“UPnP”, often under “Advanced”, “NAT” or “LAN”"},
	},
	FritzBox: {
		name: "FRITZ!Box", page: "http://fritz.box", forward: []string{"Internet", "Permit Access", "Port Sharing"}, add: "Add Device for Sharing, choose this box, then New Sharing",
		fields: fields{"Name", "Protocol", "Port requested externally", "Device", "Port to device"},
		also:   []Value{{"Application", "Other application"}},
		upnp:   "Permit independent port sharing for this device", switchAt: []string{"Internet", "Permit Access", "Port Sharing", "this box, Edit"},
		before: "In Home Network > Network > Network Settings, “Transmit status information over UPnP” has to be on as well.",
	},
	ASUS: {
		name: "ASUS", page: "http://www.asusrouter.com", forward: []string{"WAN", "Virtual Server / Port Forwarding"}, add: "Enable Port Forwarding, then Add profile",
		fields: fields{"Service Name", "Protocol", "External Port", "Internal IP Address", "Internal Port"},
		also:   []Value{{"Source IP", "(leave it empty)"}},
		upnp:   "Enable UPnP", switchAt: []string{"WAN", "Internet Connection"},
	},
	NETGEAR: {
		name: "NETGEAR", page: "http://www.routerlogin.net", forward: []string{"ADVANCED", "Advanced Setup", "Port Forwarding / Port Triggering"}, add: "Add Custom Service",
		fields: fields{"Service Name", "Protocol", "External port range", "Internal IP address", "Internal port range"},
		upnp:   "Turn UPnP On", switchAt: []string{"ADVANCED", "Advanced Setup", "UPnP"},
	},
	DLink: {
		name: "D-Link", page: "http://dlinkrouter.local", forward: []string{"Features (older: Advanced)", "Port Forwarding", "Virtual Server"}, add: "Add Rule",
		fields: fields{"Name", "Protocol", "External Port (older: Public Port)", "Local IP", "Internal Port (older: Private Port)"},
		also:   []Value{{"Schedule", "Always Enable"}},
		upnp:   "Enable UPnP", switchAt: []string{"Settings (older: Advanced)", "Network, Advanced Settings (older: Advanced Network)"},
	},
	TPLink: {
		name: "TP-Link", page: "http://tplinkwifi.net", forward: []string{"Advanced", "NAT Forwarding", "Port Forwarding (older: Virtual Servers)"}, add: "Add",
		fields: fields{"Service Name", "Protocol", "External Port", "Device IP Address (older: Internal IP)", "Internal Port"},
		upnp:   "UPnP", switchAt: []string{"Advanced", "NAT Forwarding", "UPnP"},
	},
	Keenetic: {
		name: "Keenetic", page: "http://my.keenetic.net", forward: []string{"Network rules", "Port forwarding"}, add: "Add rule",
		fields: fields{"Description", "Protocol", "Open the port", "Output", "Destination port"},
		also:   []Value{{"Input", "(your internet connection)"}},
		upnp:   "UPnP service", switchAt: []string{"Management", "System settings", "Component options"},
		before: "It is a component that has to be installed; then it is on.",
	},
	MikroTik: {
		name: "MikroTik (RouterOS)", forward: []string{"IP", "Firewall", "NAT"}, add: "New",
		fields: fields{"Comment", "Protocol", "Dst. Port", "To Addresses", "To Ports"},
		also:   []Value{{"Chain", "dstnat"}, {"In. Interface List", "WAN"}, {"Action", "dst-nat"}},
		upnp:   "Enabled", switchAt: []string{"IP", "UPnP"},
		before: "Under Interfaces there, the internet side has to be listed as external and the home side as internal.",
	},
	UniFi: {
		name: "UniFi", page: "https://unifi.ui.com", forward: []string{"Settings", "Policy Engine (older: Routing, or Security)", "Port Forwarding"}, add: "Create New",
		fields: fields{"Name", "Protocol", "WAN Port", "Forward IP", "Forward Port"},
		upnp:   "UPnP", switchAt: []string{"Settings", "search for “UPnP”"},
	},
	OpenWrt: {
		name: "OpenWrt", forward: []string{"Network", "Firewall", "Port Forwards"}, add: "Add",
		fields: fields{"Name", "Protocol", "External port", "Internal IP address", "Internal port"},
		also:   []Value{{"Source zone", "wan"}, {"Destination zone", "lan"}},
		upnp:   "Start service", switchAt: []string{"Services", "UPnP"},
		before: "The package luci-app-upnp has to be installed (System > Software).",
	},
	Speedport: {
		name: "Speedport", page: "http://speedport.ip", forward: []string{"Internet", "Portfreischaltung", "Port-Weiterleitungen"}, add: "Neue Regel",
		fields: fields{"Bezeichnung", "Protokoll", "Öffentlicher Port", "Gerät", "Port am Gerät"},
		upnp:   "UPnP", switchAt: []string{"Heimnetzwerk"},
		before: "Not every model has it: without it, the rule is entered by hand.",
	},
	Livebox: {
		name: "Livebox", page: "http://livebox.home", forward: []string{"Réseau (older: Configuration avancée, Configuration réseau)", "NAT/PAT"}, add: "Ajouter",
		fields: fields{"Application / Service", "Protocole", "Port externe", "Équipement", "Port interne"},
		upnp:   "UPnP IGD", switchAt: []string{"Réseau (older: Configuration avancée, Configuration réseau)", "UPnP"},
	},
	Huawei: {
		name: "Huawei", forward: []string{"More Functions, Security Settings, NAT Services (fibre boxes: Forward Rules)", "Port Mapping (mobile routers: Virtual Server)"}, add: "New, or +",
		fields: fields{"Mapping Name", "Protocol", "External port", "Internal Host", "Internal port"},
		upnp:   "Enable UPnP", switchAt: []string{"“UPnP” under More Functions, NAT Services (fibre boxes: Network Application)"},
	},
	Xiaomi: {
		name: "Xiaomi", page: "http://router.miwifi.com", forward: []string{"Settings", "Advanced", "Port forwarding"}, add: "Add rule",
		fields: fields{"Name", "Protocol", "External port", "Internal IP address", "Internal port"},
		upnp:   "UPnP", switchAt: []string{"Settings", "Advanced", "UPnP"},
	},
}
