package compute

import "github.com/cloudlet/cloudlet/statestore"

// Tables are the package's tables, for statestore.Options.
var Tables = []statestore.AnyTable{Flavors, Keypairs, Hosts, Instances, Usages, Quotas, Groups, Leftovers}

// Logs are the package's logs, for statestore.Options.
var Logs = []statestore.AnyLog{Actions, Past}
