package main

import (
	"strings"

	"homeward/web/api"
	"homeward/web/languages"
)

// say adds a sentence to what is said of a joint: in English for the command line
// and the log, and as a code for who reads the page in another language.
func say(j *api.Joint, code string, pairs ...any) {
	j.Says = append(j.Says, api.Saying{Code: code, Pairs: pairs})
	j.Summary = strings.TrimSpace(j.Summary + " " + inEnglish(code, pairs))
}

// advise sets what is to be done about a joint.
func advise(j *api.Joint, code string, pairs ...any) {
	j.Advises = []api.Saying{{Code: code, Pairs: pairs}}
	j.Advice = inEnglish(code, pairs)
}

// adviseFree sets advice that others put into English words.
func adviseFree(j *api.Joint, advice string) { j.Advises, j.Advice = nil, advice }

func inEnglish(code string, pairs []any) string {
	return languages.English().Code("way.say", code, pairs...)
}
