// SPDX-License-Identifier: AGPL-3.0-or-later
// Multiply and accumulate, signed 8 by 8 to 24 bits: sum <= (first ? 0 : sum) + a * b. The product of a and b given in cycle t is in
// `sum` from cycle t+3 on; `first` belongs to cycle t+2. No reset: `first` begins every sum.
// FABRIC = 0: the registers are those of a DSP48E1 (A, B, M, P). FABRIC = 1: the same in adders, no multiplier cell.
`default_nettype none
module matrix_mult_mac #(
    parameter FABRIC = 0
) (
    input  wire        clk,
    input  wire [7:0]  a,
    input  wire [7:0]  b,
    input  wire        first,
    output wire [23:0] sum
);
    reg signed [23:0] total;
    wire signed [23:0] base = first ? 24'sd0 : total;
    assign sum = total;

    generate
        if (FABRIC) begin : fabric
            // a times two bits of b each: 0, a, 2a, 3a; the top two bits weigh -2 and 1
            wire signed [9:0] a1 = $signed(a);
            wire signed [9:0] a2 = $signed({a, 1'b0});
            reg signed [9:0] digit0, digit1, digit2, digit3;
            reg signed [15:0] product;
            always @(posedge clk) begin
                digit0 <= (b[0] ? a1 : 10'sd0) + (b[1] ? a2 : 10'sd0);
                digit1 <= (b[2] ? a1 : 10'sd0) + (b[3] ? a2 : 10'sd0);
                digit2 <= (b[4] ? a1 : 10'sd0) + (b[5] ? a2 : 10'sd0);
                digit3 <= (b[6] ? a1 : 10'sd0) - (b[7] ? a2 : 10'sd0);
                product <= (digit0 + (digit1 <<< 2)) + ((digit2 + (digit3 <<< 2)) <<< 4);
                total <= base + product;
            end
        end else begin : dsp
            reg signed [7:0] areg, breg;
            reg signed [15:0] product;
            always @(posedge clk) begin
                areg <= a;
                breg <= b;
                product <= areg * breg;
                total <= base + product;
            end
        end
    endgenerate
endmodule
`default_nettype wire
