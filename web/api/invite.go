package api

import (
	"fmt"
	"net/http"
	"net/url"
	"time"

	"homeward/peers"
)

// InviteWanted asks for an invite. The body may be left out.
type InviteWanted struct {
	Minutes int `json:"lasts_minutes,omitempty"` // 1 to 43200; 0 means a day
}

// Invite is a link that hands out a new code of a peer, once.
type Invite struct {
	Peer  Peer      `json:"peer"`
	URL   string    `json:"url"`
	Until time.Time `json:"until"`
}

// InvitePath is where an invite is opened on the admin page.
const InvitePath = "/invite/"

func (h handler) invite(w http.ResponseWriter, r *http.Request, id peers.ID) {
	var in InviteWanted
	if r.ContentLength != 0 {
		if err := read(w, r, &in); err != nil {
			h.fail(w, err)
			return
		}
	}
	i, err := h.Peers.Invite(r.Context(), id, time.Duration(min(max(in.Minutes, -1), 1<<20))*time.Minute)
	var p peers.Peer
	if err == nil {
		p, err = h.Peers.Get(id)
	}
	if err != nil {
		h.fail(w, err)
		return
	}
	h.reply(w, http.StatusCreated, Invite{peerFrom(p), h.PageURL() + InvitePath + i.Token, i.Until.UTC()})
}

func (h handler) mobileConfig(w http.ResponseWriter, r *http.Request, id peers.ID) {
	i, err := h.Peers.Issued(id)
	if err == nil {
		err = SendMobileConfig(w, r.URL.Query(), i)
	}
	if err != nil {
		h.fail(w, err)
	}
}

// SendMobileConfig sends an Apple profile as the query asks for it: platform=macos,
// on_demand=true, any number of home_wifi=NAME, profile. With an error, nothing
// has been sent.
func SendMobileConfig(w http.ResponseWriter, q url.Values, i peers.Issued) error {
	client, err := i.As(peers.Profile(q.Get("profile")))
	if err != nil {
		return err
	}
	on := peers.AppleIOS
	if q.Get("platform") != "" {
		on = peers.Apple(q.Get("platform"))
	}
	demand := peers.OnDemand{On: q.Get("on_demand") == "true"}
	for _, ssid := range q["home_wifi"] {
		if ssid != "" { // a field that was left empty
			demand.HomeWiFi = append(demand.HomeWiFi, ssid)
		}
	}
	body, err := client.MobileConfig(on, demand)
	if err != nil {
		return err
	}
	SendFile(w, "application/x-apple-aspen-config", client.FileName()+".mobileconfig", body)
	return nil
}

// SendFile sends what must not be kept anywhere on the way. The name is of a file
// to save, as FileName makes it, without quotes or controls; empty means to show it.
func SendFile(w http.ResponseWriter, contentType, name string, body []byte) {
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Content-Disposition", "inline")
	if name != "" {
		h.Set("Content-Disposition", fmt.Sprintf(`attachment; filename="%s"`, name))
	}
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	w.Write(body)
}
