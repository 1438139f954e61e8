package main

import (
	"fmt"
	"strings"

	"homeward/configs"
	"homeward/web"
)

// shownSettings are those of the operator's file that the page shows: how home is
// reached, and the page itself.
func shownSettings(s configs.Settings) []web.Setting {
	values := map[string]string{
		"endpoint": s.Endpoint, "port": fmt.Sprint(s.Port), "map_port": fmt.Sprint(s.MapPort), "plane": s.Plane,
		"bind": textList(s.Bind), "admin_port": fmt.Sprint(s.AdminPort), "admin_hosts": strings.Join(s.AdminHosts, ", "), "admin_proxies": textList(s.Proxies), "plain_http": fmt.Sprint(s.PlainHTTP),
	}
	var shown []web.Setting
	for _, k := range configs.Keys() {
		if v, ok := values[k.Name]; ok {
			shown = append(shown, web.Setting{Key: k.Name, Value: v, Default: k.Default})
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
