// SPDX-License-Identifier: AGPL-3.0-or-later
// One address channel of shell_axi4_to_axi3: cuts AXI4 transactions into INCR bursts that each lie in one aligned block of 16 beats of the
// narrower side's port. For every burst it also hands out what the data channel needs (`part_*`), just before or with the burst itself:
// the response to give instead (part_error, 00 for a real burst), the lane of its first beat in a wider M word, its length in S beats, its end.
`default_nettype none
module shell_axi_split #(
    parameter S_DATA_WIDTH = 64,
    parameter M_DATA_WIDTH = 64,
    parameter ID_WIDTH = 1,
    parameter ADDR_WIDTH = 64,
    parameter LANE_WIDTH = 1  // of part_lane: log2(M/S), at least 1
) (
    input  wire                  clk,
    input  wire                  reset,
    input  wire [ID_WIDTH-1:0]   s_ID,
    input  wire [ADDR_WIDTH-1:0] s_ADDR,
    input  wire [7:0]            s_LEN,
    input  wire [2:0]            s_SIZE,
    input  wire [1:0]            s_BURST,
    input  wire                  s_VALID,
    output wire                  s_READY,
    output wire [31:0]           m_ADDR,
    output wire [3:0]            m_LEN,
    output wire                  m_VALID,
    input  wire                  m_READY,
    output wire                  part_valid,
    input  wire                  part_ready,
    output wire [ID_WIDTH-1:0]   part_id,
    output wire [1:0]            part_error,
    output wire                  part_last,   // the transaction ends with it
    output wire [LANE_WIDTH-1:0] part_lane,
    output wire [7:0]            part_len     // S beats - 1
);
    localparam S_LOG = $clog2(S_DATA_WIDTH / 8);
    localparam M_LOG = $clog2(M_DATA_WIDTH / 8);
    localparam UP = M_LOG > S_LOG ? M_LOG - S_LOG : 0;
    localparam DOWN = S_LOG > M_LOG ? S_LOG - M_LOG : 0;
    localparam BLOCK = 4 + M_LOG - S_LOG;  // log2 of the S beats in a block
    localparam [1:0] OKAY = 2'b00, SLVERR = 2'b10, DECERR = 2'b11;
    localparam [1:0] TAKE = 0, MEASURE = 1, CUT = 2, GIVE = 3;

    reg [1:0] state, error;
    reg [ID_WIDTH-1:0] id;
    reg [31:S_LOG] word;       // address of the next S beat
    reg [8:0] left;            // S beats to go, 1 to 256
    reg [8:0] beats;           // of this part
    reg last;
    reg m_valid;
    reg [31:M_LOG] m_word;
    reg [3:0] m_len;

    // S beats to the end of the block
    reg [8:0] room;
    wire [8:0] offset;
    generate
        if (BLOCK > 0) begin : several
            assign offset = {{(9-BLOCK){1'b0}}, word[S_LOG +: BLOCK]};
        end else begin : single
            assign offset = 9'd0;
        end
    endgenerate
    // the part as the M side sees it
    wire [8:0] lane;
    wire [31:M_LOG] first_word;
    generate
        if (UP > 0) begin : up
            assign lane = {{(9-UP){1'b0}}, word[S_LOG +: UP]};
            assign first_word = word[31:M_LOG];
            assign part_lane = lane[LANE_WIDTH-1:0];
        end else if (DOWN > 0) begin : down
            assign lane = 9'd0;
            assign first_word = {word, {DOWN{1'b0}}};
            assign part_lane = {LANE_WIDTH{1'b0}};
        end else begin : equal
            assign lane = 9'd0;
            assign first_word = word;
            assign part_lane = {LANE_WIDTH{1'b0}};
        end
    endgenerate
    wire [8:0] m_last = UP > 0 ? (lane + beats - 9'd1) >> UP : (beats << DOWN) - 9'd1;

    wire beyond = |(s_ADDR >> 32);
    wire other = s_SIZE != S_LOG || (s_BURST != 2'b01 && s_LEN != 8'd0);
    wire give = state == GIVE && part_ready && (error != OKAY || !m_valid || m_READY);

    assign s_READY = state == TAKE && !reset;
    assign m_VALID = m_valid;
    assign m_ADDR = {m_word, {M_LOG{1'b0}}};
    assign m_LEN = m_len;
    assign part_valid = give;
    assign part_id = id;
    assign part_error = error;
    assign part_last = last;
    assign part_len = beats[7:0] - 8'd1;

    always @(posedge clk)
        if (reset) begin
            state <= TAKE;
            error <= OKAY;
            id <= 0;
            word <= 0;
            left <= 9'd0;
            beats <= 9'd0;
            last <= 1'b0;
            m_valid <= 1'b0;
            m_word <= 0;
            m_len <= 4'd0;
            room <= 9'd0;
        end else begin
            if (m_READY) m_valid <= 1'b0;
            case (state)
                TAKE:
                    if (s_VALID) begin
                        id <= s_ID;
                        word <= s_ADDR[31:S_LOG];
                        left <= {1'b0, s_LEN} + 9'd1;
                        error <= beyond ? DECERR : other ? SLVERR : OKAY;
                        state <= MEASURE;
                    end
                MEASURE: begin
                    room <= (9'd1 << BLOCK) - offset;
                    state <= CUT;
                end
                CUT: begin
                    last <= error != OKAY || left <= room;
                    beats <= error != OKAY || left <= room ? left : room;
                    state <= GIVE;
                end
                GIVE:
                    if (give) begin
                        m_valid <= error == OKAY;
                        m_word <= first_word;
                        m_len <= m_last[3:0];
                        word <= word + beats;
                        left <= left - beats;
                        state <= last ? TAKE : MEASURE;
                    end
                default: state <= TAKE;
            endcase
        end
endmodule
`default_nettype wire
