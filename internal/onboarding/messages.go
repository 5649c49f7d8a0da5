// Copyright (c) The xacct authors
// SPDX-License-Identifier: MPL-2.0

package onboarding

import (
	"fmt"
	"time"

	"github.com/xacct/terraform-provider-xacct/internal/account"
)

// messages returns the texts that customers read in the events of their stacks: what
// is wrong and what to do. No text contains the external ID or the account that was
// expected, because the reader may be another person.
type messages struct{ hub Hub }

func (m messages) vendor() string {
	if m.hub.DisplayName != "" {
		return m.hub.DisplayName
	}
	return m.hub.Name
}

func (m messages) format(format string, args ...any) string {
	return fmt.Sprintf(format, args...) + m.help()
}

// help returns the end of every message: the hub's support URL, if it has one.
func (m messages) help() string {
	if m.hub.SupportURL == "" {
		return ""
	}
	return " Help: " + m.hub.SupportURL
}

func (m messages) unknownExternalID() string {
	return m.format("%[1]s does not know the external ID of this stack. Delete the stack, open the link that %[1]s gave you once more, and leave the parameter ExternalId as it is.", m.vendor())
}

func (m messages) retired() string {
	return m.format("The external ID of this stack is from a link of %[1]s that another one has replaced. Delete the stack, ask %[1]s for the new link, and open that one.", m.vendor())
}

func (m messages) otherHub() string {
	return m.format("This stack's template does not belong to the place that it reports to at %[1]s. Delete the stack, open the link that %[1]s gave you once more, and leave the template as it is.", m.vendor())
}

func (m messages) closed() string {
	return m.format("%[1]s has closed the link that this stack was created from. Delete the stack and ask %[1]s for a new link.", m.vendor())
}

func (m messages) expired(at time.Time) string {
	return m.format("The link that this stack was created from expired on %s. Delete the stack and ask %s for a new link.", at.UTC().Format("2 January 2006 at 15:04 UTC"), m.vendor())
}

func (m messages) blocked() string {
	return m.format("%[1]s accepts no new connections or changes from you at the moment. Please ask %[1]s before you try again. You can delete this stack at any time.", m.vendor())
}

func (m messages) vendorsAccount() string {
	return m.format("This stack is in the AWS account of %[1]s itself. The link is for the AWS account of a customer of %[1]s: sign in there and open it again.", m.vendor())
}

func (m messages) wrongAccount(stack account.ID, scope Scope) string {
	switch scope {
	case ScopeOrganization:
		return m.format("This stack is in AWS account %[1]s, which is none of the accounts that %[2]s expects of your organization. Delete the stack, or tell %[2]s to add the account.", stack, m.vendor())
	case ScopeAnyone:
		return m.format("This stack is in AWS account %[1]s, but another account has used this link before, and it works only once. Delete the stack and ask %[2]s for a link of your own.", stack, m.vendor())
	case ScopeAccount:
	}
	return m.format("This stack is in AWS account %s, but the link was made for another account. Delete the stack, sign in to the account that you told %[2]s, and open the link there; or tell %[2]s that it is this account.", stack, m.vendor())
}

func (m messages) notARole() string {
	return m.format("The stack did not say which role it created. Delete the stack, open the link that %s gave you once more, and leave the template as it is.", m.vendor())
}

func (m messages) roleElsewhere(role account.RoleARN, stack account.ID) string {
	return m.format("The role %s is not in this stack's own AWS account %s. %s registers only roles that the stack created in its own account: leave the template as it is.", role, stack, m.vendor())
}

func (m messages) wrongRole(role, expected account.RoleARN) string {
	return m.format("The role of this stack is %s%s, but %s expects %s%s. Delete the stack and create it again with the parameter RoleName as the link fills it in.", role.Path, role.Name, m.vendor(), expected.Path, expected.Name)
}

func (m messages) wrongAdditional(key, reported string, expected account.RoleARN) string {
	if len(reported) > maxQuoted {
		reported = reported[:maxQuoted] + "..."
	}
	return m.format("The stack reports %q as the role %s, but %s expects %s. Delete the stack, open the link that %[3]s gave you once more, and leave the template as it is.", reported, key, m.vendor(), expected)
}

// maxQuoted is the number of bytes of a customer's text that a message repeats at
// most.
const maxQuoted = 200

func (m messages) noAdditional(expected account.RoleARN) string {
	return m.format("The stack does not report the role %s, which %s expects beside the first one. Delete the stack, open the link that %[2]s gave you once more, and leave the template as it is.", expected, m.vendor())
}

func (m messages) rival(other account.StackARN) string {
	return m.format("This AWS account is already connected to %s, by the stack %s in %s, and that connection works. To replace it, delete that stack first; then create this one again.", m.vendor(), other.Name, other.Region)
}

func (m messages) cannotAssume(role account.RoleARN) string {
	return m.format("%[1]s cannot assume the role %[2]s with the external ID of this stack. Leave the role's trust policy as the template has it, see whether a policy of your organization stops AWS account %[3]s from assuming roles, and try again.", m.vendor(), role, m.hub.Account)
}

func (m messages) open(role account.RoleARN, hole string) string {
	return m.format("The role %s can be assumed %s, so others could get in through %s too. It was not connected. Leave the role's trust policy as the template has it, and try again.", role, hole, m.vendor())
}

func (m messages) tryAgain() string {
	return m.format("%s could not finish checking the role in time. Your stack is not at fault: please delete it and create it again from the same link.", m.vendor())
}

func (m messages) notPermitted() string {
	return m.format("%[1]s could not check the role of this stack, because the AWS account of %[1]s lacks a permission for it. Your stack is not at fault. Please tell %[1]s; once they have corrected that, delete this stack and create it again from the same link.", m.vendor())
}

func (m messages) regionGivenUp(region account.Region) string {
	return m.format("%[1]s no longer connects stacks in %[2]s. Delete the stack, and open the link that %[1]s gives you now: it leads to another Region.", m.vendor(), region)
}

func (m messages) older() string {
	return m.format("A newer request of this stack was answered before this one, so %s left everything as it is. Please update the stack once more.", m.vendor())
}

func (m messages) deleted() string {
	return m.format("This connection to %s was deleted in this stack only just now. Please wait two minutes and try again, or delete the stack and create it again from the link.", m.vendor())
}

func (m messages) changedExternalID() string {
	return m.format("The external ID of a connected stack cannot change to this one. Keep the parameter ExternalId as it was, unless %[1]s has given you a new one, and then take exactly that; to use a new link of %[1]s, delete this stack and create it again.", m.vendor())
}

func (m messages) strangePrevious() string {
	return m.format("The parameter PreviousExternalId of this stack is no external ID that %[1]s gave you. Leave it empty, or fill in the one that the stack had before; the role would accept any other from another party.", m.vendor())
}

func (m messages) previousOfNewStack() string {
	return m.format("The parameter PreviousExternalId is only for a stack whose external ID changes, and a new role of %[1]s accepts none but the new one. Delete the stack, open the link that %[1]s gave you once more, and leave the parameter empty.", m.vendor())
}

func (m messages) changedAccount(role account.RoleARN, stack account.ID) string {
	return m.format("The role %s is not in this stack's own AWS account %s. To connect another account to %s, delete this stack and create it again there.", role, stack, m.vendor())
}

// The reasons below are for the vendor, who reads them with the registration.

func reasonOf(proof Proof) string {
	role := "the role"
	if !proof.Additional.IsZero() {
		role = "the additional role " + proof.Additional.String()
	}
	if proof.Outcome == Open {
		return role + " can be assumed " + proof.Weakness + ", so others can get in"
	}
	return role + " can no longer be assumed with its external ID"
}

func reasonUnproven(role account.RoleARN, proof Proof) string {
	reason := fmt.Sprintf("the stack was updated, but its role %s could not be proven in time", role)
	if proof.MissingPermission != "" {
		reason += ": " + proof.MissingPermission
	}
	return reason
}

func reasonBlocked(role account.RoleARN) string {
	return fmt.Sprintf("the stack was updated while the customer was blocked, so its role %s was not proven", role)
}

func reasonFellBack(role account.RoleARN) string {
	return fmt.Sprintf("the stack rolled back to an earlier resource, and its role %s has not been proven since", role)
}

const reasonRecovered = "the registry had no record of this stack, as after a restore from a point in time; the stack sent an Update and its role was proven"

const reasonFound = "the registry had no record of this role, as after a restore from a point in time; a round of proofs found it under its link"

const reasonRotated = "the external ID changed: the role was proven with the new one"

const reasonRotationEnded = "the role no longer accepts the previous external ID"

const reasonWithoutStack = "the customer made the role without a stack; a round of proofs found it under its link"

const reasonAdditionalRoles = "the additional roles were updated to those that are declared and were found"

const reasonLeft = "the role was refused for a week, while other customers' could be assumed: the customer has removed it"

const reasonReleased = "the vendor released this adopted role"

func reasonBoundElsewhere(stack account.StackARN) string {
	return fmt.Sprintf("stack %s was answered SUCCESS, but another account registered with the link before that was recorded: nothing was registered; ask the owner of account %s to delete the stack", stack.Name, stack.Account)
}

func reasonDeleteUnconfirmed(stack account.StackARN) string {
	return fmt.Sprintf("the customer may have deleted the stack %s: its Delete could not be answered in time, and its role can no longer be assumed; the next rounds of proofs decide", stack.Name)
}

func reasonGone(stack account.StackARN) string {
	return fmt.Sprintf("the customer deleted the stack %s: its Delete was received, and its role can no longer be assumed, while other customers' roles can", stack.Name)
}

// reasonDeleted returns the reason of a Delete that was answered. CloudFormation sends
// the same when only the custom resource leaves the stack, and the role may stay then.
func reasonDeleted(stack account.StackARN) string {
	return fmt.Sprintf("the customer deleted the stack %s, or removed its phone-home resource", stack.Name)
}
