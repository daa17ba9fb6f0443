package nova

import "github.com/cloudlet/cloudlet/server/api/front"

func (a *api) serverRoutes() []front.Route {
	t := serverTarget
	return []front.Route{
		{Method: "GET", Path: "/servers", Rule: "compute:instance:list", Handle: serverList(false)},
		{Method: "GET", Path: "/servers/detail", Rule: "compute:instance:list", Handle: serverList(true)},
		{Method: "POST", Path: "/servers", Rule: "compute:instance:create", Handle: serverCreate},
		{Method: "GET", Path: "/servers/{id}", Rule: "compute:instance:get", Target: t, Handle: serverShow},
		{Method: "PUT", Path: "/servers/{id}", Rule: "compute:instance:update", Target: t, Handle: serverUpdate},
		{Method: "DELETE", Path: "/servers/{id}", Rule: "compute:instance:delete", Target: t, Handle: serverDelete},

		action("os-start", "compute:instance:start", serverStart),
		action("os-stop", "compute:instance:stop", serverStop),
		action("reboot", "compute:instance:reboot", serverReboot),
		action("forceDelete", "compute:instance:delete", serverForceDelete),
		action("lock", "compute:instance:lock", serverLock),
		action("unlock", "compute:instance:lock", serverUnlock),
		action("addSecurityGroup", "compute:instance:update", serverGroup(true)),
		action("removeSecurityGroup", "compute:instance:update", serverGroup(false)),
		action("os-resetState", "compute:instance:reset_state", serverReset),
		action("os-getConsoleOutput", "compute:instance:console", a.serverConsole),

		{Method: "GET", Path: "/servers/{id}/ips", Rule: "compute:instance:get", Target: t, Handle: serverIPs},
		{Method: "GET", Path: "/servers/{id}/ips/{network}", Rule: "compute:instance:get", Target: t, Handle: serverIPs},
		{Method: "GET", Path: "/servers/{id}/os-security-groups", Rule: "compute:instance:get", Target: t, Handle: serverGroups},
		{Method: "GET", Path: "/servers/{id}/os-volume_attachments", Rule: "compute:instance:get", Target: t, Handle: serverVolumes},

		{Method: "GET", Path: "/servers/{id}/metadata", Rule: "compute:instance_metadata:list", Target: t, Handle: metadataList},
		{Method: "POST", Path: "/servers/{id}/metadata", Rule: "compute:instance_metadata:set", Target: t, Handle: metadataSet(false)},
		{Method: "PUT", Path: "/servers/{id}/metadata", Rule: "compute:instance_metadata:set", Target: t, Handle: metadataSet(true)},
		{Method: "GET", Path: "/servers/{id}/metadata/{key}", Rule: "compute:instance_metadata:get", Target: t, Handle: metadataShow},
		{Method: "PUT", Path: "/servers/{id}/metadata/{key}", Rule: "compute:instance_metadata:set", Target: t, Handle: metadataItemSet},
		{Method: "DELETE", Path: "/servers/{id}/metadata/{key}", Rule: "compute:instance_metadata:delete", Target: t, Handle: metadataDelete},

		{Method: "GET", Path: "/servers/{id}/tags", Rule: "compute:instance_tag:list", Target: t, Min: v(26), Handle: tagList},
		{Method: "PUT", Path: "/servers/{id}/tags", Rule: "compute:instance_tag:set", Target: t, Min: v(26), Handle: tagsSet},
		{Method: "DELETE", Path: "/servers/{id}/tags", Rule: "compute:instance_tag:delete", Target: t, Min: v(26), Handle: tagsClear},
		{Method: "GET", Path: "/servers/{id}/tags/{tag}", Rule: "compute:instance_tag:list", Target: t, Min: v(26), Handle: tagShow},
		{Method: "PUT", Path: "/servers/{id}/tags/{tag}", Rule: "compute:instance_tag:set", Target: t, Min: v(26), Handle: tagAdd},
		{Method: "DELETE", Path: "/servers/{id}/tags/{tag}", Rule: "compute:instance_tag:delete", Target: t, Min: v(26), Handle: tagRemove},

		{Method: "GET", Path: "/servers/{id}/os-interface", Rule: "compute:interface:list", Target: t, Handle: interfaceList},
		{Method: "POST", Path: "/servers/{id}/os-interface", Rule: "compute:interface:create", Target: t, Handle: interfaceCreate},
		{Method: "GET", Path: "/servers/{id}/os-interface/{port}", Rule: "compute:interface:get", Target: t, Handle: interfaceShow},
		{Method: "DELETE", Path: "/servers/{id}/os-interface/{port}", Rule: "compute:interface:delete", Target: t, Handle: interfaceDelete},

		{Method: "GET", Path: "/servers/{id}/os-instance-actions", Rule: "compute:action:list", Target: t, Handle: actionList},
		{Method: "GET", Path: "/servers/{id}/os-instance-actions/{request}", Rule: "compute:action:get", Target: t, Handle: actionShow},
	}
}

func action(name, rule string, h front.Handler) front.Route {
	return front.Route{Method: "POST", Path: "/servers/{id}/action", Action: name, Rule: rule, Target: serverTarget, Handle: h}
}
