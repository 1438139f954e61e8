// Package languages says the page's texts in the language of whoever reads them:
// English, German, Russian and Spanish, with their plurals, dates and numbers.
//
// # How to add a text
//
// Write it in all four languages into the file of its page below texts, under a
// key that says what it is:
//
//	# texts/login.toml
//	[lost]
//	en = "Lost it? On the box itself, run {{.Command}}."
//	de = "Vergessen? Auf dem Gerät selbst hilft {{.Command}}."
//	ru = "Забыли? На самом устройстве выполните {{.Command}}."
//	es = "¿La has perdido? En el propio equipo, ejecuta {{.Command}}."
//
// and name it in the template by file and key. Then come pairs of a name and its
// value; what is not plain text is made by a function (code, bold, link):
//
//	{{t "login.lost" "Command" (code "homeward admin password")}}
//
// or in Go, where the page's language is s.language(r):
//
//	l.T("login.lost", "Command", "homeward admin password")
//
// A text with a number has the parameter Count, and each language its forms:
//
//	[idle]
//	en = {one = "{{.Count}} day without use", other = "{{.Count}} days without use"}
//	de = {one = "{{.Count}} Tag ohne Nutzung", other = "{{.Count}} Tage ohne Nutzung"}
//	ru = {one = "{{.Count}} день", few = "{{.Count}} дня", many = "{{.Count}} дней"}
//	es = {one = "{{.Count}} día sin uso", other = "{{.Count}} días sin uso"}
//
// A text that is chosen by a code (a state, a risk) is found by prefix and code,
// {{tc "home.verdict" .State}} or l.Code("home.verdict", state): a code without
// a text shows as itself.
//
// Sentences that come from other parts of the program (what is wrong with a
// value, what to do about the router) are found by their English: those parts
// keep the format and what goes into it apart (Said), and the texts of the files
// advice, backups, errors, imports and risks have the format's English with a placeholder for each
// verb. A sentence without a text is said in English; a test lists those there are.
//
// Dates, numbers and sizes are said by date, datetime, clock, number, size and
// ago in templates, and by the methods of Language in Go.
//
// The tests of this package and of web fail for a text that a language lacks,
// that nobody uses, whose parameters differ, and for a sentence in a template
// that is not from here.
//
// # Manner
//
// German says Sie, Russian вы, Spanish tú. What carries a tunnel is a device
// (Gerät, устройство, dispositivo); the machine that homeward runs on is the box
// (homeward-Gerät, компьютер с homeward, equipo); what is scanned is a code. Say
// it as a neighbour would, not word by word. Commands, protocols and names of
// programs stay as they are.
//
// Language of the page is the only thing known here: no HTTP, no devices.
package languages
