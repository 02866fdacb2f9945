// SPDX-License-Identifier: AGPL-3.0-or-later
// Read data of shell_axi4_to_axi3: M beats to S beats, part by part (see shell_axi_split). A wider M word is given lane by lane, narrower
// ones are collected (their responses merged to the worst). Parts with an error are answered here, with data 0.
`default_nettype none
module shell_axi_width_read #(
    parameter S_DATA_WIDTH = 64,
    parameter M_DATA_WIDTH = 64,
    parameter LANE_WIDTH = 1
) (
    input  wire                    clk,
    input  wire                    reset,
    input  wire                    part_valid,
    output wire                    part_ready,
    input  wire [1:0]              part_error,
    input  wire                    part_last,
    input  wire [LANE_WIDTH-1:0]   part_lane,
    input  wire [7:0]              part_len,
    output wire [S_DATA_WIDTH-1:0] s_RDATA,
    output wire [1:0]              s_RRESP,
    output wire                    s_RLAST,
    output wire                    s_RVALID,
    input  wire                    s_RREADY,
    input  wire [M_DATA_WIDTH-1:0] m_RDATA,
    input  wire [1:0]              m_RRESP,
    input  wire                    m_RVALID,
    output wire                    m_RREADY
);
    reg [7:0] count;
    wire last = count == part_len;
    wire drop = part_error != 2'b00;
    wire give = s_RVALID && s_RREADY;
    wire [S_DATA_WIDTH-1:0] data;
    wire [1:0] resp;
    wire valid;

    assign s_RDATA = drop ? {S_DATA_WIDTH{1'b0}} : data;
    assign s_RRESP = drop ? part_error : resp;
    assign s_RLAST = last && part_last;
    assign s_RVALID = part_valid && (drop || valid);
    assign part_ready = give && last;

    always @(posedge clk)
        if (reset) count <= 8'd0;
        else if (give) count <= last ? 8'd0 : count + 8'd1;

    generate
        if (M_DATA_WIDTH > S_DATA_WIDTH) begin : up
            reg [LANE_WIDTH-1:0] next_lane;
            wire [LANE_WIDTH-1:0] lane = count == 0 ? part_lane : next_lane;

            assign data = m_RDATA[lane*S_DATA_WIDTH +: S_DATA_WIDTH];
            assign resp = m_RRESP;
            assign valid = m_RVALID;
            assign m_RREADY = part_valid && !drop && s_RREADY && (last || (&lane));

            always @(posedge clk)
                if (reset) next_lane <= 0;
                else if (give) next_lane <= lane + 1'b1;
        end else if (M_DATA_WIDTH < S_DATA_WIDTH) begin : down
            localparam RATIO = S_DATA_WIDTH / M_DATA_WIDTH;
            localparam PIECE_WIDTH = $clog2(RATIO);
            reg [PIECE_WIDTH-1:0] piece;
            reg [S_DATA_WIDTH-M_DATA_WIDTH-1:0] held;
            reg [1:0] worst;
            wire final_piece = &piece;
            integer i;

            assign data = {m_RDATA, held};
            assign resp = m_RRESP > worst ? m_RRESP : worst;
            assign valid = m_RVALID && final_piece;
            assign m_RREADY = part_valid && !drop && (!final_piece || s_RREADY);

            always @(posedge clk)
                if (reset) begin
                    piece <= 0;
                    worst <= 2'b00;
                    held <= 0;
                end else if (m_RVALID && m_RREADY) begin
                    piece <= piece + 1'b1;
                    worst <= final_piece ? 2'b00 : resp;
                    for (i = 0; i < RATIO - 1; i = i + 1)
                        if (piece == i) held[i*M_DATA_WIDTH +: M_DATA_WIDTH] <= m_RDATA;
                end
        end else begin : equal
            assign data = m_RDATA;
            assign resp = m_RRESP;
            assign valid = m_RVALID;
            assign m_RREADY = part_valid && !drop && s_RREADY;
        end
    endgenerate
endmodule
`default_nettype wire
