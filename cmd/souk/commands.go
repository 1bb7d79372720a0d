package main

const description = `An AWS marketplace of your own: it answers the AWS Marketplace Metering and Entitlement APIs to unmodified AWS SDKs, and plays the buyer's side.

Start with 'souk demo', which runs the main job and shows it, then 'souk dev'.`

// commands is everything that souk can do; reading it is reading the manual.
type commands struct {
	Demo  demoCmd  `cmd:"" group:"run" help:"Run the main job in one command, and show it."`
	Dev   devCmd   `cmd:"" group:"run" help:"Run a marketplace on this machine, with sample data, a movable clock and faults."`
	Serve serveCmd `cmd:"" group:"run" help:"Run a marketplace that lasts."`
	Init  initCmd  `cmd:"" group:"run" help:"Make the store for 'souk serve'."`

	Env       envCmd       `cmd:"" group:"use" help:"Print the variables that point an AWS SDK at a running Souk."`
	Buy       buyCmd       `cmd:"" group:"use" help:"Buy a product and get a registration token."`
	Requests  requestsCmds `cmd:"" group:"use" help:"See what was asked on the AWS face, what was answered, and why."`
	Product   productCmds  `cmd:"" group:"use" help:"List products; change a registration URL, a token's life."`
	Agreement agreeCmds    `cmd:"" group:"use" help:"List agreements; amend, renew, replace, end and suspend them."`
	Usage     usageCmds    `cmd:"" group:"use" help:"List, add up and export what was metered."`

	Clock clockCmds `cmd:"" group:"simulate" help:"Show or move the market's clock."`
	Fault faultCmds `cmd:"" group:"simulate" help:"Make calls fail on purpose."`

	Snapshot  snapshotCmd  `cmd:"" group:"simulate" help:"Keep the marketplace as it is, under a name."`
	Restore   restoreCmd   `cmd:"" group:"simulate" help:"Make the marketplace what it was when a snapshot was taken."`
	Snapshots snapshotsCmd `cmd:"" group:"simulate" help:"List the snapshots."`
	Reset     resetCmd     `cmd:"" group:"simulate" help:"Make the marketplace what it was when Souk started."`

	Apply      applyCmd       `cmd:"" group:"operate" help:"Apply a world file: accounts, users, policies, products, offers, agreements."`
	Export     exportCmd      `cmd:"" group:"operate" help:"Print the world as a file."`
	AccessKey  accessKeyCmds  `cmd:"" name:"access-key" group:"operate" help:"List and make access keys; make them inactive."`
	May        mayCmd         `cmd:"" group:"operate" help:"Ask whether a principal may do something, and why."`
	Session    sessionCmd     `cmd:"" group:"operate" help:"Issue temporary credentials of a role."`
	TokenKey   tokenKeyCmds   `cmd:"" name:"token-key" group:"operate" help:"List, rotate and retire the keys that seal registration tokens."`
	SigningKey signingKeyCmds `cmd:"" name:"signing-key" group:"operate" help:"List, rotate and print the keys that RegisterUsage signs with."`
	StoreKey   storeKeyCmds   `cmd:"" name:"store-key" group:"operate" help:"Make the key that a store's secrets are sealed under; seal them under another."`
	Backup     backupCmd      `cmd:"" group:"operate" help:"Back up the store of a directory, while it is served or not."`
	Copy       copyCmd        `cmd:"" group:"operate" help:"Copy a store to another one, of either engine, and prove that it arrived."`
	Check      checkCmd       `cmd:"" group:"operate" help:"Prove the invariants of the stored state."`
	Version    versionCmd     `cmd:"" group:"operate" help:"Print version, commit and Go version."`
}
