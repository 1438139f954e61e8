# shellcheck shell=bash
# bash completion for homeward, by "homeward completion bash".
#
# homeward says itself what may come next. What is written here is for bash: to cut the
# line into words without running any of it, and to write names with spaces and quotes so
# that they are one word, also where only the beginning that several have in common is
# known. It needs no package.

# __homeward_split makes words of a line as bash would, as far as it is typed. The last
# one, which may be empty, has its text as typed in raw, the quote that is open there in
# quote, and its text before that in head.
__homeward_split() {
	local line=$1 plain='' there='' c i
	words=() raw='' quote='' head=''
	for ((i = 0; i < ${#line}; i++)); do
		c=${line:i:1}
		if [[ -z $quote && $c == [[:blank:]] ]]; then
			[[ -n $there ]] && words+=("$plain")
			plain='' there='' raw=''
			continue
		fi
		there=yes raw+=$c
		if [[ $c == "$quote" ]]; then
			quote=''
		elif [[ -z $quote && $c == [\'\"] ]]; then
			quote=$c head=$plain
		elif [[ $c == \\ && $quote != \' ]]; then
			((i++))
			c=${line:i:1}
			raw+=$c
			# Between double quotes it stands for itself, but before these.
			[[ $quote == \" && $c != [\\\"\$\`] ]] && plain+=\\
			plain+=$c
		else
			plain+=$c
		fi
	done
	words+=("$plain")
}

# __homeward_write sets text to $1 as it is typed within the quote $2, or without one. It
# fails where that cannot be.
__homeward_write() {
	local c i
	text=''
	[[ $2 == \' && $1 == *\'* || $2 == \" && $1 == *!* ]] && return 1
	for ((i = 0; i < ${#1}; i++)); do
		c=${1:i:1}
		case $2$c in
		[[:alnum:]] | [-_.,+/%] | \'? | \"[!\\\"\$\`]) ;;
		*) [[ $c == [[:ascii:]] ]] && text+=\\ ;;
		esac
		text+=$c
	done
}

# __homeward_option sets an option for this once, where bash has it.
__homeward_option() {
	compopt "$@" 2>/dev/null || true
}

_homeward() {
	local words raw quote head text out line directive prefix='' found=() about=() i longest=0
	COMPREPLY=()
	__homeward_split "${COMP_LINE:0:COMP_POINT}"
	local program=${words[0]/#\~\//$HOME/} typed=${words[${#words[@]} - 1]}
	type -P "$program" >/dev/null || program=homeward # an alias
	out=$("$program" __complete "${words[@]:1}" 2>/dev/null) || return
	directive=${out##*:}
	[[ $typed == -*=* ]] && prefix=${typed%%=*}=
	while IFS= read -r line; do
		[[ -n $line ]] || continue
		found+=("$prefix${line%%$'\t'*}")
		[[ $line == *$'\t'* ]] && about+=("${line#*$'\t'}") || about+=('')
	done <<<"${out%:*}"

	# What is wanted, as bits: 2 no space after it, 4 no file, 16 a folder, 32 this order.
	((directive & 2)) && __homeward_option -o nospace
	((directive & 4)) && __homeward_option +o default
	((directive & 16)) && __homeward_option +o default -o dirnames
	((directive & 32)) && __homeward_option -o nosort

	if ((${COMP_TYPE:-9} == 63 && ${#found[@]} > 1)); then # only to be looked at
		for i in "${!found[@]}"; do
			((${#found[i]} > longest)) && longest=${#found[i]}
		done
		for i in "${!found[@]}"; do
			text=${found[i]#"$prefix"}
			while [[ -n ${about[i]} && ${#text} -lt $longest ]]; do text+=' '; done
			COMPREPLY+=("$text${about[i]:+  (${about[i]})}")
		done
		return
	fi
	# bash replaces $2: what is typed after the open quote, or after the last of the
	# characters at which it cuts words.
	local before=${raw%"$2"}
	for text in "${found[@]}"; do
		if [[ -n $quote ]]; then
			[[ $text == "$head"* ]] && __homeward_write "${text#"$head"}" "$quote" && COMPREPLY+=("$text")
		else
			__homeward_write "${text#"$prefix"}" ''
			text=$prefix$text
			COMPREPLY+=("${text#"$before"}")
		fi
	done
}

complete -o default -F _homeward homeward
