#pragma once

#include <string>
#include <vector>

namespace semfield::ops {

// The instruction sets this program holds kernels for and this processor can run, best first: "avx512",
// "avx2", ..., "scalar". Kernels pick the first; SEMFIELD_ISA or ForceTarget restricts them to one. Unknown
// or unsupported: Error listing what is there.
//
// SEMFIELD_ISA is read before main. A wrong value cannot be reported there, so ActiveTarget reports it: a
// program asks for it once at its start. SupportedTargets never throws and does not depend on either
// restriction.
std::vector<std::string> SupportedTargets();
std::string ActiveTarget();

// Takes effect for every kernel call that starts afterwards, on any thread. "" lifts it (SEMFIELD_ISA holds
// again).
void ForceTarget(const std::string& name);

}  // namespace semfield::ops
