package api

import (
	"net/http"

	"homeward/web/api/openapi"
)

// routerOperations are about what the router lets in.
func routerOperations() map[string]operation {
	return map[string]operation{
		"GET /api/v1/ports":                      {ID: "listPorts", Summary: "What the router lets into the house, ours and others'", Answer: PortTable{}},
		"DELETE /api/v1/ports/{protocol}/{port}": {ID: "closePort", Summary: "Remove an entry of the router's that is not homeward's own"},
		"GET /api/v1/guide": {ID: "getGuide", Summary: "How homeward's port is opened by hand", Answer: Guide{},
			Query: []openapi.Parameter{query("router", "string", "the brand's key; empty for the router that is there")}},
		"PUT /api/v1/guide/by-hand":    {ID: "forwardByHand", Summary: "Say that the port is forwarded by hand", More: "The router is not asked for it any more.", Body: ByHand{}},
		"DELETE /api/v1/guide/by-hand": {ID: "askRouterAgain", Summary: "Take that back"},
		"GET /api/v1/knock":            {ID: "getKnock", Summary: "Which knocks of browsers were heard from outside", Answer: KnockState{}},
		"POST /api/v1/knock": {ID: "beginKnock", Summary: "Have the port answer one who knocks, for two minutes", Answer: BegunKnock{},
			More: "Whoever knocks sends STUN binding requests to one of the calls, as ICE does, with the user and the password of the answer. Before it, nobody is answered."},
		"GET /api/v1/forwards":         {ID: "listForwards", Summary: "The other ports that are kept open", Answer: []Forward{}},
		"POST /api/v1/forwards":        {Again: repeatable, Tagged: true, ID: "openForward", Summary: "Keep one more open", Body: NewForward{}, Status: http.StatusCreated, Answer: Forward{}},
		"GET /api/v1/forwards/{id}":    {ID: "getForward", Summary: "One of them", Answer: Forward{}, Tagged: true},
		"PATCH /api/v1/forwards/{id}":  {Tagged: true, ID: "switchForward", Summary: "Switch one on or off", Body: forwardChange{}, Answer: Forward{}},
		"DELETE /api/v1/forwards/{id}": {Tagged: true, ID: "removeForward", Summary: "Close one, and forget it"},
	}
}
