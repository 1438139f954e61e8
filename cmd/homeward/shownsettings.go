package main

import (
	"fmt"
	"strings"

	"homeward/configs"
	"homeward/web/api"
)

// shownSettings are those of the operator's file that the page shows: how home is
// reached, and the page itself.
func shownSettings(s configs.Settings) []api.FileSetting {
	values := map[string]string{
		"endpoint": s.Endpoint, "port": fmt.Sprint(s.Port), "map_port": fmt.Sprint(s.MapPort), "plane": s.Plane, "map_second_router": fmt.Sprint(s.MapSecond),
		"bind": textList(s.Bind), "admin_port": fmt.Sprint(s.AdminPort), "admin_hosts": strings.Join(s.AdminHosts, ", "), "admin_proxies": textList(s.Proxies), "plain_http": fmt.Sprint(s.PlainHTTP),
	}
	shown := []api.FileSetting{}
	for _, k := range configs.Keys() {
		if v, ok := values[k.Name]; ok {
			shown = append(shown, api.FileSetting{Key: k.Name, Value: v, Default: k.Default})
		}
	}
	return shown
}

func textList[T fmt.Stringer](list []T) string {
	var texts []string
	for _, a := range list {
		texts = append(texts, a.String())
	}
	return strings.Join(texts, ", ")
}
