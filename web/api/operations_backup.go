package api

import "net/http"

// backupOperations are about backups.
func backupOperations() map[string]operation {
	return map[string]operation{
		"GET /api/v1/backup":                {Tagged: true, ID: "getBackup", Summary: "What there is of backups", Answer: BackupState{}},
		"POST /api/v1/backup":               {ID: "makeBackup", Summary: "Make a backup and send it", Body: BackupWanted{}, Status: http.StatusOK, As: []string{"application/octet-stream"}},
		"POST /api/v1/backup/recovery-code": {Again: repeatableSecret, ID: "makeRecoveryCode", Summary: "Make the code that opens backups; it is shown once", Body: RecoveryWanted{}, Status: http.StatusCreated, Answer: RecoveryCode{}},
		"PUT /api/v1/backup/nightly":        {Tagged: true, ID: "setNightlyBackup", Summary: "Choose where a backup is written every night", Body: NightlyWanted{}, Answer: BackupState{}},
		"DELETE /api/v1/backup/nightly":     {Tagged: true, ID: "stopNightlyBackup", Summary: "End that"},
	}
}

// boxOperations are what only somebody on the box may do.
func boxOperations() map[string]operation {
	return map[string]operation{
		"GET /api/v1/admin/users":                       {ID: "listUsers", Summary: "Who may log in", Answer: []User{}},
		"POST /api/v1/admin/users":                      {Again: repeatable, ID: "addUser", Summary: "Let somebody else log in", Body: NewUser{}},
		"GET /api/v1/admin/users/{name}":                {ID: "getUser", Summary: "One user", Answer: User{}, Tagged: true},
		"PATCH /api/v1/admin/users/{name}":              {Tagged: true, ID: "changeUser", Summary: "Rename a user, or give another role", Body: UserChange{}},
		"DELETE /api/v1/admin/users/{name}":             {Tagged: true, ID: "removeUser", Summary: "End a user's access"},
		"PUT /api/v1/admin/users/{name}/password":       {ID: "resetPassword", Summary: "Set a user's password", Body: Password{}},
		"DELETE /api/v1/admin/users/{name}/second-step": {ID: "removeSecondStep", Summary: "Let a user in by the password alone, whose phone is lost"},
		"PUT /api/v1/admin/password":                    {ID: "setPassword", Summary: "Set the page's password", Body: Password{}},
		"POST /api/v1/admin/setup-link":                 {Again: repeatableSecret, ID: "makeSetupLink", Summary: "Make another setup link", Answer: SetupLink{}},
		"POST /api/v1/import":                           {ID: "importServer", Summary: "Take over another server", Body: ImportWanted{}, Form: "file", Answer: Imported{}, More: "With dry_run nothing is changed. As a form, file may be there several times; a packed folder (zip, tar, tar.gz) is a file, too. With interface, homeward reads what runs on this machine itself; wait_seconds gives time to stop it then, since only one can have the port."},
		"GET /api/v1/import/interfaces":                 {ID: "listRunningInterfaces", Summary: "Which WireGuard interfaces run on this machine and can be taken over", Answer: RunningInterfaces{}},
		"POST /api/v1/restore":                          {ID: "restoreBackup", Summary: "Put a backup in the place of what there is", Form: "file", Answer: Restored{}, More: "The parts key and look come before the file; with look nothing is replaced."},
	}
}
