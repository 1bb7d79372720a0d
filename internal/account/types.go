// Package account holds who there is: accounts, IAM users and roles with their policies, access keys, and sessions.
//
// The store keeps them as a State. A Directory is that State compiled for look-up: immutable, replaced whole when
// anything changes, read without a lock by every request.
package account

import "time"

// Account is an AWS account: twelve digits. It may sell, buy, or both.
type Account struct {
	ID     string
	Name   string
	Seller bool
	Buyer  bool
	// Suspended accounts can neither call nor buy; their agreements stop being valid customers.
	Suspended bool
}

// Policy is a customer managed policy, arn:aws:iam::ACCOUNT:policy/NAME.
type Policy struct {
	Account  string
	Name     string
	Document string // JSON
}

// Inline is a policy that lives in one user or role.
type Inline struct {
	Name     string `json:"name"`
	Document string `json:"document"` // JSON
}

// Identity is what users and roles have in common.
type Identity struct {
	Account string
	Name    string
	Inline  []Inline
	// Attached names managed policies: a customer managed policy of the same account by name or ARN, or one of AWS's by
	// name or ARN.
	Attached []string
	// Boundary names a managed policy that bounds what the others can grant; "" for none.
	Boundary string
}

// User is an IAM user, arn:aws:iam::ACCOUNT:user/NAME.
type User struct{ Identity }

// Role is an IAM role, arn:aws:iam::ACCOUNT:role/NAME. Its sessions sign as arn:aws:sts::ACCOUNT:assumed-role/NAME/SESSION.
type Role struct {
	Identity
	// Workload is where the role's sessions run, as far as MeterUsage and RegisterUsage care; "" is nowhere in particular.
	Workload Workload
	// WorkloadRegion is the Region that the workload runs in, and so the only one in which it may call them; "" is any.
	WorkloadRegion string
}

// Workload is a platform whose workloads sign with the credentials of a role of their own.
type Workload string

const (
	ECSTask     Workload = "ecs-task"
	EKSPod      Workload = "eks-pod"
	EC2Instance Workload = "ec2-instance"
	// AgentCore is Bedrock AgentCore Runtime: it meters any number of times an hour, told apart by ClientToken.
	AgentCore Workload = "agentcore-runtime"
)

// AccessKey is a long-lived key of a user, or of the account's root when User is "".
type AccessKey struct {
	ID       string
	Secret   string
	Account  string
	User     string
	Inactive bool
	// Name and Note are for people: which key this is and what it may do.
	Name      string
	Note      string
	CreatedAt time.Time
}

// State is everything that a Directory is compiled from.
type State struct {
	Accounts []Account
	Policies []Policy
	Users    []User
	Roles    []Role
	Keys     []AccessKey
}

// ARN of the user.
func (u User) ARN() string { return "arn:aws:iam::" + u.Account + ":user/" + u.Name }

// ARN of the role.
func (r Role) ARN() string { return "arn:aws:iam::" + r.Account + ":role/" + r.Name }

// ARN of the policy.
func (p Policy) ARN() string { return "arn:aws:iam::" + p.Account + ":policy/" + p.Name }

// ValidID reports whether id has the form of an account: twelve ASCII digits.
func ValidID(id string) bool {
	if len(id) != 12 {
		return false
	}
	for i := range len(id) {
		if id[i] < '0' || id[i] > '9' {
			return false
		}
	}
	return true
}
