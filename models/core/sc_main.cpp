// SPDX-License-Identifier: BSD-3-Clause
#include <systemc>

// SystemC's library brings a main() that calls this; our programs bring their own main and run simulations from there.
int sc_main(int, char**) { return 0; }
