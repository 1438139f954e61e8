package api

import (
	"homeward/peers/history"
	"homeward/web/api/openapi"
)

// houseOperations are about the house as a whole.
func houseOperations() map[string]operation {
	return map[string]operation{
		"GET " + documentPath:    {ID: "getDocument", Summary: "This document", As: []string{"application/json"}},
		"GET /api/v1/status":     {ID: "getStatus", Summary: "The way home, joint by joint, and in one verdict", Answer: Status{}},
		"GET /api/v1/support":    {ID: "getSupport", Summary: "What helps somebody to help, in one file", More: "Without keys; public addresses and all names are masked.", As: []string{"application/zip"}},
		"GET /api/v1/settings":   {Tagged: true, ID: "getSettings", Summary: "What is set for the whole house", Answer: Settings{}},
		"PATCH /api/v1/settings": {Tagged: true, ID: "changeSettings", Summary: "Change what is set, all or nothing", Body: SettingsChange{}, Answer: Settings{}},
		"GET /api/v1/renumber":   {ID: "getRenumbering", Summary: "Who would move where if the tunnel got another network", Answer: Renumbered{}},
		"POST /api/v1/renumber":  {ID: "renumber", Summary: "Give the tunnel another network, or see what that would do", More: "All devices need a new code then, and homeward starts again.", Body: RenumberWanted{}, Answer: Renumbered{}},
		"GET /api/v1/dns":        {Tagged: true, ID: "getDNSName", Summary: "The house's DNS name, and which providers there are", Answer: DNSName{}},
		"PUT /api/v1/dns":        {Tagged: true, ID: "setDNSName", Summary: "Choose the house's DNS name", More: "An empty secret means the one of before.", Body: NewDNSName{}, Answer: DNSName{}},
		"DELETE /api/v1/dns":     {Tagged: true, ID: "removeDNSName", Summary: "End the keeping of the DNS name", More: "The name stays where it points."},
		"GET /api/v1/events":     {ID: "listEvents", Summary: "What happened, the latest first, or a stream of what happens", Answer: Events{}, As: []string{"text/event-stream"}, Query: eventQuery(), More: aboutStream},
	}
}

// aboutStream is how the stream goes.
const aboutStream = `With Accept: text/event-stream the answer is a stream of server-sent events, which takes topic and no other parameter. Its events are:

- status (topic status): the way home, as GET /api/v1/status has it; first as it is, then whenever it changes.
- peer (topic peers): a device, as GET /api/v1/peers has it; first all of them, then each that changes. peer-removed: {"id": …}.
- log (topic log): what happens, as the list has it. One that stands for several comes again with a larger count.

Only those of the log have an id. Who comes back with Last-Event-ID hears those of the log since then, 500 at most; after more, gap says {"after": …, "before": …}, and the list has what is between. Status and devices are told anew as they are, so that nothing is missed; a device that is not among them is gone.

What is new is told every two seconds, and after 15 seconds of silence there is a comment. The stream ends with the login or the token. One person may listen 8 times (429), all together 32 times (503).`

func eventQuery() []openapi.Parameter {
	var kinds []any
	for _, k := range history.Kinds() {
		kinds = append(kinds, string(k))
	}
	return []openapi.Parameter{
		query("peer", "integer", "only about this device"),
		query("house", "boolean", "only about the whole house"),
		query("actor", "string", "only what this person did"),
		several("kind", "only of this kind, or of these", kinds...),
		query("since", "date-time", "only from then on"),
		query("before", "integer", "only before the event with this number: the next page"),
		query("limit", "integer", "at most as many; 100 where it is missing or too large"),
		several("topic", "of a stream: only this, or these", topicStatus, topicPeers, topicLog),
		{Name: "Last-Event-ID", In: "header", Description: "of a stream: the id of the last event that was heard", Schema: schemaOf("string")},
	}
}
