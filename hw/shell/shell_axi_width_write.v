// SPDX-License-Identifier: AGPL-3.0-or-later
// Write data of shell_axi4_to_axi3: S beats to M beats, part by part (see shell_axi_split). A wider M packs beats (lanes not written
// have no strobe), a narrower M gets each beat in pieces. Parts with an error are swallowed. When the last beat of a part has
// gone, `done_*` says so to the response channel.
`default_nettype none
module shell_axi_width_write #(
    parameter S_DATA_WIDTH = 64,
    parameter M_DATA_WIDTH = 64,
    parameter LANE_WIDTH = 1
) (
    input  wire                      clk,
    input  wire                      reset,
    input  wire                      part_valid,
    output wire                      part_ready,
    input  wire                      part_drop,
    input  wire [LANE_WIDTH-1:0]     part_lane,
    input  wire [7:0]                part_len,
    output wire                      done_valid,
    input  wire                      done_ready,
    input  wire [S_DATA_WIDTH-1:0]   s_WDATA,
    input  wire [S_DATA_WIDTH/8-1:0] s_WSTRB,
    input  wire                      s_WVALID,
    output wire                      s_WREADY,
    output wire [M_DATA_WIDTH-1:0]   m_WDATA,
    output wire [M_DATA_WIDTH/8-1:0] m_WSTRB,
    output wire                      m_WLAST,
    output wire                      m_WVALID,
    input  wire                      m_WREADY
);
    localparam S_BYTES = S_DATA_WIDTH / 8;
    localparam M_BYTES = M_DATA_WIDTH / 8;

    reg [7:0] count;  // S beats of this part that have gone
    wire last = count == part_len;
    wire ready;       // the S beat can go
    wire take = s_WVALID && s_WREADY;

    // the response channel must be able to note the end of the part
    assign s_WREADY = part_valid && (part_drop || ready) && (!last || done_ready);
    assign part_ready = take && last;
    assign done_valid = take && last;

    always @(posedge clk)
        if (reset) count <= 8'd0;
        else if (take) count <= last ? 8'd0 : count + 8'd1;

    generate
        if (M_BYTES > S_BYTES) begin : up
            localparam RATIO = M_BYTES / S_BYTES;
            reg [M_DATA_WIDTH-1:0] data;
            reg [M_BYTES-1:0] strobe;
            reg valid, data_last;
            reg [LANE_WIDTH-1:0] next_lane;
            reg fresh;  // the next beat begins an M word
            wire [LANE_WIDTH-1:0] lane = count == 0 ? part_lane : next_lane;
            wire store = take && !part_drop;
            integer i;

            assign ready = !valid || m_WREADY;
            assign m_WDATA = data;
            assign m_WSTRB = strobe;
            assign m_WLAST = data_last;
            assign m_WVALID = valid;

            always @(posedge clk)
                if (reset) begin
                    valid <= 1'b0;
                    data_last <= 1'b0;
                    next_lane <= 0;
                    fresh <= 1'b1;
                    strobe <= 0;
                    data <= 0;
                end else begin
                    if (m_WREADY) valid <= 1'b0;
                    if (store) begin
                        next_lane <= lane + 1'b1;
                        fresh <= last || (&lane);
                        valid <= last || (&lane);
                        data_last <= last;
                        for (i = 0; i < RATIO; i = i + 1)
                            if (lane == i) begin
                                data[i*S_DATA_WIDTH +: S_DATA_WIDTH] <= s_WDATA;
                                strobe[i*S_BYTES +: S_BYTES] <= s_WSTRB;
                            end else if (fresh) strobe[i*S_BYTES +: S_BYTES] <= {S_BYTES{1'b0}};
                    end
                end
        end else if (M_BYTES < S_BYTES) begin : down
            localparam RATIO = S_BYTES / M_BYTES;
            localparam PIECE_WIDTH = $clog2(RATIO);
            reg [PIECE_WIDTH-1:0] piece;
            wire final_piece = &piece;

            assign m_WDATA = s_WDATA[piece*M_DATA_WIDTH +: M_DATA_WIDTH];
            assign m_WSTRB = s_WSTRB[piece*M_BYTES +: M_BYTES];
            assign m_WLAST = last && final_piece;
            assign m_WVALID = s_WVALID && part_valid && !part_drop && (!last || done_ready);
            assign ready = final_piece && m_WREADY;

            always @(posedge clk)
                if (reset) piece <= 0;
                else if (m_WVALID && m_WREADY) piece <= piece + 1'b1;
        end else begin : equal
            assign m_WDATA = s_WDATA;
            assign m_WSTRB = s_WSTRB;
            assign m_WLAST = last;
            assign m_WVALID = s_WVALID && part_valid && !part_drop && (!last || done_ready);
            assign ready = m_WREADY;
        end
    endgenerate
endmodule
`default_nettype wire
