package main

import (
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"homeward/web/account"
	"homeward/web/api"
)

func newAdminUsers(o *options) *cobra.Command {
	c := &cobra.Command{Use: "users", Short: "List, add, change and remove who may log in", Args: cobra.ArbitraryArgs, RunE: onlyCommands, SuggestionsMinimumDistance: 2,
		Long: "List, add, change and remove who may log in to the admin page."}
	c.AddCommand(newUsersList(o), newUsersAdd(o), newUsersRole(o), newUsersRename(o), newUsersPassword(o), newUsersTOTPOff(o), newUsersRemove(o))
	return c
}

func newUsersList(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List who may log in", Args: cobra.NoArgs,
		Long: "List who may log in to the admin page, with their role, and whether their login has a\nsecond step.",
		RunE: o.talk(func(c *cobra.Command, client *api.Client, _ []string) error {
			list, err := client.Users(c.Context())
			if err != nil {
				return err
			}
			if o.json {
				return printJSON(o.tty.out, list)
			}
			w := tabwriter.NewWriter(o.tty.out, 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "NAME\tROLE\tSINCE\tSECOND STEP")
			for _, u := range list {
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", plain(u.Name), u.Role, u.Since.Format("2006-01-02"), map[bool]string{true: "yes", false: "no"}[u.SecondStep])
			}
			return w.Flush()
		}),
	}
}

func newUsersAdd(o *options) *cobra.Command {
	var role string
	c := &cobra.Command{
		Use: "add NAME", Short: "Let somebody else log in", Args: cobra.ExactArgs(1),
		Long: `Let somebody else log in: as a viewer, who sees how things are but no codes, or as
an admin, who may do everything. The password is asked for on the terminal, or
read as one line from standard input.`,
		Example: "  homeward admin users add anna\n  homeward admin users add ben --role admin",
		RunE: o.talk(func(c *cobra.Command, client *api.Client, args []string) error {
			password, err := readTwice(o.tty, "password")
			if err != nil {
				return err
			}
			return o.did(client.AddUser(c.Context(), api.NewUser{Name: args[0], Role: account.Role(role), Password: password}), args[0]+" may log in.")
		}),
	}
	c.Flags().StringVar(&role, "role", string(account.RoleViewer), "admin or viewer")
	return c
}

func newUsersRole(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "role NAME admin|viewer", Short: "Give a user another role, at once", Args: cobra.ExactArgs(2),
		Long:    "Give a user another role, at once: a viewer sees how things are but no codes, an admin\nmay do everything.",
		Example: "  homeward admin users role ben viewer",
		RunE: o.talk(func(c *cobra.Command, client *api.Client, args []string) error {
			role := account.Role(args[1])
			return o.did(client.ChangeUser(c.Context(), args[0], api.UserChange{Role: &role}), "The role is changed.")
		}),
	}
}

func newUsersRename(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "rename NAME NEW-NAME", Short: "Give a user another name", Args: cobra.ExactArgs(2),
		Long:    "Give a user another name to log in with.",
		Example: "  homeward admin users rename ben benjamin",
		RunE: o.talk(func(c *cobra.Command, client *api.Client, args []string) error {
			return o.did(client.ChangeUser(c.Context(), args[0], api.UserChange{Name: &args[1]}), "The name is changed.")
		}),
	}
}

func newUsersPassword(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "password NAME", Short: "Set a user's password, and log this user out", Args: cobra.ExactArgs(1),
		Long:    "Set a user's password, and log this user out. It is asked for on the terminal, or read\nas one line from standard input.",
		Example: "  homeward admin users password ben",
		RunE: o.talk(func(c *cobra.Command, client *api.Client, args []string) error {
			password, err := readTwice(o.tty, "password")
			if err != nil {
				return err
			}
			return o.did(client.ResetPassword(c.Context(), args[0], password), "The password is set.")
		}),
	}
}

func newUsersTOTPOff(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "totp-off NAME", Short: "Let a user in without a code, whose phone is lost", Args: cobra.ExactArgs(1),
		Long: `Let a user in by the password alone, who lost the phone and the recovery codes, and
end this user's sessions. Another password changes nothing about the second step.`,
		Example: "  homeward admin users totp-off ben",
		RunE: o.talk(func(c *cobra.Command, client *api.Client, args []string) error {
			return o.did(client.RemoveSecondStep(c.Context(), args[0]), args[0]+" needs no code any more.")
		}),
	}
}

func newUsersRemove(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "remove NAME", Short: "End a user's access", Args: cobra.ExactArgs(1),
		Long:    "End a user's access to the admin page, at once. Devices stay as they are.",
		Example: "  homeward admin users remove ben",
		RunE: o.talk(func(c *cobra.Command, client *api.Client, args []string) error {
			return o.did(client.RemoveUser(c.Context(), args[0]), args[0]+" may not log in any more.")
		}),
	}
}

// did says that something was done, unless it was not.
func (o *options) did(err error, text string) error {
	if err == nil {
		_, err = fmt.Fprintln(o.tty.out, text)
	}
	return err
}
