package api

// stageTexts name what was seen when a stage is lit.
var stageTexts = map[string]string{
	"reach":   "It reaches the port",
	"outside": "It comes from outside",
	"key":     "Its code is for this house",
	"known":   "It may come in",
	"answer":  "It gets the answer",
	"data":    "Data goes both ways",
	"names":   "Names are answered",
	"large":   "Large packets pass",
}

// waitTexts say what a test that has not failed waits for.
var waitTexts = map[string]string{
	"good":      "All is good: the phone is home, and data goes both ways.",
	"nothing":   "Nothing has come yet. On the phone, turn Wi-Fi off and switch the tunnel on.",
	"knocks":    "It knocks. One moment.",
	"connected": "It is connected. Open something on it now, a web page or a shared folder.",
}

// causeTexts say why it goes no further, and what to do.
var causeTexts = map[string]struct{ say, cure string }{
	"not_running": {"homeward's tunnel is not running.", "“The way home” on the first page, or homeward status, says why."},
	"port_shut": {"Nothing reaches the port, and the router has not opened it.",
		"Open it in the router first."},
	"nothing_came": {"Nothing reaches the port, though the router says that it is open.",
		"Is the tunnel's switch on, and Wi-Fi off? Then the phone's network may block it: try another one. Or the internet provider does not let it through: see “The way home”."},
	"others_came": {"Nothing of this phone reaches the port. Other things do, so that the port is open.",
		"Is the tunnel's switch on, and Wi-Fi off? Does the code have today's address of home? Else the phone's network may block it: try another one."},
	"another_came": {"“%s” has come in meanwhile, so that the port is open. Nothing of this phone has.",
		"If that is the phone in your hand, it has the other one's code. Else: is its tunnel's switch on, and Wi-Fi off?"},
	"from_inside": {"It comes from inside the house, so that this says nothing about coming from outside.",
		"Turn Wi-Fi off on the phone, wait for its mobile network, and switch the tunnel off and on. If Wi-Fi is off already, the router or a container's network hides where devices come from: then it works, and cannot be told from here."},
	"wrong_server": {"Somebody knocks with a code that was made for another server, or by this one before it had its key of today.",
		"Delete the tunnel in the phone's app and scan the code of today."},
	"switched_off":  {"This device is switched off here.", "Let it in again."},
	"time_over":     {"This device's time is over.", "Give it a later end, or none."},
	"idle_too_long": {"This device was switched off, since nobody used it for long.", "Let it in again."},
	"not_taken":     {"The tunnel has not taken this device yet.", "Wait a moment. If it stays so, homeward's log says why."},
	"code_replaced": {"The phone uses the code that it had before.",
		"Delete that tunnel in the phone's app and scan the new code."},
	"code_removed": {"It knocks with a code of “%s” that has ended: the device was removed, or has a new code.",
		"Delete that tunnel in the phone's app and scan this device's code."},
	"code_unknown": {"It knows this house, and its code is nobody's here: the device was removed, or its code was replaced.",
		"Delete that tunnel in the phone's app and scan the code of today."},
	"not_answered": {"It knocks, and homeward does not answer: the device's clock was set back, or two devices have the same code.",
		"Set the device's clock right, or make a new code and scan it on this device only."},
	"answer_lost": {"Its knocks arrive and are answered, and the answers do not arrive: it knocks again.",
		"Try another network on the phone. If it is the same there, look for a firewall at home that stops UDP on its way out, and for a second router."},
	"code_moved": {"It is connected by a code with the addresses of before: the tunnel has another network since, so that nothing of what it sends is taken.",
		"Make a new code for it, delete that tunnel in the phone's app and scan the new one."},
	"nothing_sent": {"It is connected, and sends nothing.",
		"Open something at home on it, such as a shared folder or the router's page. If its tunnel leads home only, other pages don't go through."},
	"not_granted": {"It is connected, and what it asks for is not let through (%s).",
		"See what it may reach, on its page."},
	"no_replies": {"It is connected and asks, and nothing at home or beyond answers it.",
		"Is what you opened switched on, and can it be reached from this machine?"},
	"names_fail": {"It is connected, and names are not answered: no name server of this machine replies.",
		"Does this machine itself have a working name server? Start the router again if not."},
	"names_refused": {"It is connected, and names are not answered: the name server at home refuses.",
		"Does the internet work at home? Start the router again if not."},
	"only_small": {"It is connected, and only small packets pass: large ones get lost on the way.",
		"In the phone's app, edit the tunnel and set its MTU to 1280."},
}
