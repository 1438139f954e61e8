package languages

import (
	html "html/template"
)

// Funcs are the functions with which a template says something in a language.
func Funcs(l *Language) html.FuncMap {
	return html.FuncMap{
		"lang": l.Tag,
		"t":    l.Text,
		"tc":   l.Code,

		"date": l.Date, "datetime": l.DateTime, "clock": l.Clock, "number": l.Number, "size": l.Size, "ago": l.Ago,

		"code": func(text string) html.HTML { return element("code", text) },
		"bold": func(text string) html.HTML { return element("b", text) },
		"link": func(url, text string) html.HTML {
			return html.HTML(`<a href="` + html.HTMLEscapeString(url) + `">` + html.HTMLEscapeString(text) + "</a>")
		},
	}
}

// element is a part of a text that looks different.
func element(name, text string) html.HTML {
	return html.HTML("<" + name + ">" + html.HTMLEscapeString(text) + "</" + name + ">")
}
