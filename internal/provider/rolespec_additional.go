// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"fmt"
	"maps"

	"github.com/hashicorp/terraform-plugin-framework-validators/mapvalidator"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"

	"github.com/xacct/terraform-provider-xacct/internal/permissionset"
)

// additionalRolesAttribute returns the attribute for additional roles of the stack.
// Each has the attributes of a role, except name and path, and those of a trust.
func additionalRolesAttribute() schema.MapNestedAttribute {
	attributes := trustAttributes()
	maps.Copy(attributes, roleAttribute().Attributes)
	delete(attributes, "name")
	delete(attributes, "path")
	return schema.MapNestedAttribute{
		Optional: true,
		MarkdownDescription: fmt.Sprintf("Further roles that the customer's stack creates, by a short name, such as one for a scanner in another account of the vendor. "+
			"Each is called `<role name>-<key>`, 64 characters together, has the path and the external ID of the role, and permissions and a trust of its own. "+
			"All of them are proven before the customer is registered; their ARNs are in `additional_role_arns` of `xacct_customer_role`. "+
			"Keys have 1 to 41 lower-case letters, digits and underscores, and begin with a letter. At most %d.", permissionset.MaxAdditionalRoles),
		Validators:   []validator.Map{mapvalidator.SizeBetween(1, permissionset.MaxAdditionalRoles), mapvalidator.KeysAre(validPermissionKey())},
		NestedObject: schema.NestedAttributeObject{Attributes: attributes},
	}
}
