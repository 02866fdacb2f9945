// SPDX-License-Identifier: AGPL-3.0-or-later
// vector_add: out[i] = a[i] + b[i] for i in 0 … n-1, int32; nothing is written for n <= 0.
// Ports and registers as Vitis HLS makes them: a at 0x10, b at 0x1c, out_r at 0x28 (64-bit addresses), n at 0x34.
//
// Read bursts of a and b alternate; a burst of a (at most 16 words) waits in a small buffer until its partners of b come.
// A pair of bursts is asked for only when the sums have room, so read data is always accepted at once.
// Addresses are taken modulo 4. Memory error responses are ignored, as Vitis' RTL ignores them.
`default_nettype none
module vector_add (
    input  wire        ap_clk,
    input  wire        ap_rst_n,
    output wire        m_axi_gmem_AWVALID,
    input  wire        m_axi_gmem_AWREADY,
    output wire [63:0] m_axi_gmem_AWADDR,
    output wire [0:0]  m_axi_gmem_AWID,
    output wire [7:0]  m_axi_gmem_AWLEN,
    output wire [2:0]  m_axi_gmem_AWSIZE,
    output wire [1:0]  m_axi_gmem_AWBURST,
    output wire [1:0]  m_axi_gmem_AWLOCK,
    output wire [3:0]  m_axi_gmem_AWCACHE,
    output wire [2:0]  m_axi_gmem_AWPROT,
    output wire [3:0]  m_axi_gmem_AWQOS,
    output wire [3:0]  m_axi_gmem_AWREGION,
    output wire [0:0]  m_axi_gmem_AWUSER,
    output wire        m_axi_gmem_WVALID,
    input  wire        m_axi_gmem_WREADY,
    output wire [31:0] m_axi_gmem_WDATA,
    output wire [3:0]  m_axi_gmem_WSTRB,
    output wire        m_axi_gmem_WLAST,
    output wire [0:0]  m_axi_gmem_WID,
    output wire [0:0]  m_axi_gmem_WUSER,
    output wire        m_axi_gmem_ARVALID,
    input  wire        m_axi_gmem_ARREADY,
    output wire [63:0] m_axi_gmem_ARADDR,
    output wire [0:0]  m_axi_gmem_ARID,
    output wire [7:0]  m_axi_gmem_ARLEN,
    output wire [2:0]  m_axi_gmem_ARSIZE,
    output wire [1:0]  m_axi_gmem_ARBURST,
    output wire [1:0]  m_axi_gmem_ARLOCK,
    output wire [3:0]  m_axi_gmem_ARCACHE,
    output wire [2:0]  m_axi_gmem_ARPROT,
    output wire [3:0]  m_axi_gmem_ARQOS,
    output wire [3:0]  m_axi_gmem_ARREGION,
    output wire [0:0]  m_axi_gmem_ARUSER,
    input  wire        m_axi_gmem_RVALID,
    output wire        m_axi_gmem_RREADY,
    input  wire [31:0] m_axi_gmem_RDATA,
    input  wire        m_axi_gmem_RLAST,
    input  wire [0:0]  m_axi_gmem_RID,
    input  wire [0:0]  m_axi_gmem_RUSER,
    input  wire [1:0]  m_axi_gmem_RRESP,
    input  wire        m_axi_gmem_BVALID,
    output wire        m_axi_gmem_BREADY,
    input  wire [1:0]  m_axi_gmem_BRESP,
    input  wire [0:0]  m_axi_gmem_BID,
    input  wire [0:0]  m_axi_gmem_BUSER,
    input  wire        s_axi_CTRL_AWVALID,
    output wire        s_axi_CTRL_AWREADY,
    input  wire [5:0]  s_axi_CTRL_AWADDR,
    input  wire        s_axi_CTRL_WVALID,
    output wire        s_axi_CTRL_WREADY,
    input  wire [31:0] s_axi_CTRL_WDATA,
    input  wire [3:0]  s_axi_CTRL_WSTRB,
    input  wire        s_axi_CTRL_ARVALID,
    output wire        s_axi_CTRL_ARREADY,
    input  wire [5:0]  s_axi_CTRL_ARADDR,
    output wire        s_axi_CTRL_RVALID,
    input  wire        s_axi_CTRL_RREADY,
    output wire [31:0] s_axi_CTRL_RDATA,
    output wire [1:0]  s_axi_CTRL_RRESP,
    output wire        s_axi_CTRL_BVALID,
    input  wire        s_axi_CTRL_BREADY,
    output wire [1:0]  s_axi_CTRL_BRESP,
    output wire        interrupt
);
    localparam SUM_BITS = 5;  // room for 32 sums: two bursts
    localparam [2:0] IDLE = 0, SIZE = 1, ROOM = 2, ASK_A = 3, ASK_B = 4, DRAIN = 5, DONE = 6;

    reg reset;
    always @(posedge ap_clk) reset <= !ap_rst_n;

    // control
    wire [10*32-1:0] args;
    wire [63:0] arg_a = args[0*32 +: 64];
    wire [63:0] arg_b = args[3*32 +: 64];
    wire [63:0] arg_out = args[6*32 +: 64];
    wire [31:0] arg_n = args[9*32 +: 32];
    wire ap_start;
    reg [2:0] state;

    kernel_control #(.ADDR_WIDTH(6), .ARG_WORDS(10), .RESERVED(10'b01_0010_0100)) control (
        .clk(ap_clk), .reset(reset),
        .s_axi_AWVALID(s_axi_CTRL_AWVALID), .s_axi_AWREADY(s_axi_CTRL_AWREADY), .s_axi_AWADDR(s_axi_CTRL_AWADDR),
        .s_axi_WVALID(s_axi_CTRL_WVALID), .s_axi_WREADY(s_axi_CTRL_WREADY), .s_axi_WDATA(s_axi_CTRL_WDATA),
        .s_axi_WSTRB(s_axi_CTRL_WSTRB), .s_axi_BRESP(s_axi_CTRL_BRESP), .s_axi_BVALID(s_axi_CTRL_BVALID),
        .s_axi_BREADY(s_axi_CTRL_BREADY), .s_axi_ARVALID(s_axi_CTRL_ARVALID), .s_axi_ARREADY(s_axi_CTRL_ARREADY),
        .s_axi_ARADDR(s_axi_CTRL_ARADDR), .s_axi_RVALID(s_axi_CTRL_RVALID), .s_axi_RREADY(s_axi_CTRL_RREADY),
        .s_axi_RDATA(s_axi_CTRL_RDATA), .s_axi_RRESP(s_axi_CTRL_RRESP),
        .interrupt(interrupt), .args(args), .ap_start(ap_start),
        .ap_done(state == DONE), .ap_ready(state == DONE), .ap_idle(state == IDLE && !ap_start)
    );

    // read requests: bursts of a and b in turn
    reg [63:2] word_a, word_b;
    reg [30:0] left;
    reg [4:0] length;
    reg [SUM_BITS:0] credit;  // sums that still find room
    reg arvalid;
    reg [63:2] arword;
    reg [3:0] arlen;
    wire [4:0] room_a = &word_a[11:6] ? 5'd16 - {1'b0, word_a[5:2]} : 5'd16;
    wire [4:0] room_b = &word_b[11:6] ? 5'd16 - {1'b0, word_b[5:2]} : 5'd16;
    wire [4:0] room = room_a < room_b ? room_a : room_b;
    wire run = state == IDLE && ap_start && !arg_n[31] && arg_n != 0;
    wire free_ar = !arvalid || m_axi_gmem_ARREADY;
    wire enough = credit >= length;
    wire claim = state == ROOM && enough;
    wire sum_taken, writer_idle;

    always @(posedge ap_clk)
        if (reset) begin
            state <= IDLE;
            word_a <= 0;
            word_b <= 0;
            left <= 31'd0;
            length <= 5'd0;
            credit <= 1 << SUM_BITS;
            arvalid <= 1'b0;
            arword <= 0;
            arlen <= 4'd0;
        end else begin
            if (m_axi_gmem_ARREADY) arvalid <= 1'b0;
            credit <= credit - (claim ? {1'b0, length} : 6'd0) + {5'd0, sum_taken};
            case (state)
                IDLE:
                    if (ap_start) begin
                        word_a <= arg_a[63:2];
                        word_b <= arg_b[63:2];
                        left <= arg_n[30:0];
                        state <= run ? SIZE : DONE;
                    end
                SIZE: begin
                    length <= left < room ? left[4:0] : room;
                    state <= ROOM;
                end
                ROOM: if (enough) state <= ASK_A;
                ASK_A:
                    if (free_ar) begin
                        arvalid <= 1'b1;
                        arword <= word_a;
                        arlen <= length[3:0] - 4'd1;
                        word_a <= word_a + length;
                        left <= left - length;
                        state <= ASK_B;
                    end
                ASK_B:
                    if (free_ar) begin
                        arvalid <= 1'b1;
                        arword <= word_b;
                        word_b <= word_b + length;
                        state <= left == 0 ? DRAIN : SIZE;
                    end
                DRAIN: if (writer_idle) state <= DONE;
                default: state <= IDLE;
            endcase
        end

    // read data: a burst of a into the buffer, then the burst of b added to it
    (* ram_style = "registers" *) reg [31:0] buffer [0:15];
    reg second;
    reg [3:0] index;
    reg sum_valid;
    reg [31:0] sum;

    always @(posedge ap_clk) if (m_axi_gmem_RVALID && !second) buffer[index] <= m_axi_gmem_RDATA;
    always @(posedge ap_clk) sum <= buffer[index] + m_axi_gmem_RDATA;
    always @(posedge ap_clk)
        if (reset) begin
            second <= 1'b0;
            index <= 4'd0;
            sum_valid <= 1'b0;
        end else begin
            sum_valid <= m_axi_gmem_RVALID && second;
            if (m_axi_gmem_RVALID) begin
                index <= m_axi_gmem_RLAST ? 4'd0 : index + 4'd1;
                second <= second ^ m_axi_gmem_RLAST;
            end
        end

    // sums to memory
    wire [SUM_BITS:0] level;
    wire [31:0] sum_data;
    wire sum_ready, sum_waits;
    assign sum_taken = sum_waits && sum_ready;

    kernel_fifo #(.WIDTH(32), .DEPTH_BITS(SUM_BITS), .BLOCK(0)) sums (
        .clk(ap_clk), .reset(reset), .in_valid(sum_valid), .in_data(sum),
        .out_valid(sum_waits), .out_ready(sum_ready), .out_data(sum_data), .level(level)
    );

    kernel_burst_write #(.DATA_WIDTH(32), .LEVEL_WIDTH(SUM_BITS + 1), .COUNT_WIDTH(31)) writer (
        .clk(ap_clk), .reset(reset), .start(run), .address(arg_out), .beats(arg_n[30:0]), .idle(writer_idle),
        .level(level), .data_valid(sum_waits), .data(sum_data), .data_ready(sum_ready),
        .m_axi_AWVALID(m_axi_gmem_AWVALID), .m_axi_AWREADY(m_axi_gmem_AWREADY), .m_axi_AWADDR(m_axi_gmem_AWADDR),
        .m_axi_AWLEN(m_axi_gmem_AWLEN), .m_axi_WVALID(m_axi_gmem_WVALID), .m_axi_WREADY(m_axi_gmem_WREADY),
        .m_axi_WDATA(m_axi_gmem_WDATA), .m_axi_WLAST(m_axi_gmem_WLAST),
        .m_axi_BVALID(m_axi_gmem_BVALID), .m_axi_BREADY(m_axi_gmem_BREADY)
    );

    // constant signals: ID 0, INCR bursts of full words, normal bufferable memory
    assign m_axi_gmem_AWID = 1'b0;
    assign m_axi_gmem_AWSIZE = 3'd2;
    assign m_axi_gmem_AWBURST = 2'b01;
    assign m_axi_gmem_AWLOCK = 2'b00;
    assign m_axi_gmem_AWCACHE = 4'b0011;
    assign m_axi_gmem_AWPROT = 3'b000;
    assign m_axi_gmem_AWQOS = 4'd0;
    assign m_axi_gmem_AWREGION = 4'd0;
    assign m_axi_gmem_AWUSER = 1'b0;
    assign m_axi_gmem_WSTRB = 4'b1111;
    assign m_axi_gmem_WID = 1'b0;
    assign m_axi_gmem_WUSER = 1'b0;
    assign m_axi_gmem_ARVALID = arvalid;
    assign m_axi_gmem_ARADDR = {arword, 2'b00};
    assign m_axi_gmem_ARID = 1'b0;
    assign m_axi_gmem_ARLEN = {4'd0, arlen};
    assign m_axi_gmem_ARSIZE = 3'd2;
    assign m_axi_gmem_ARBURST = 2'b01;
    assign m_axi_gmem_ARLOCK = 2'b00;
    assign m_axi_gmem_ARCACHE = 4'b0011;
    assign m_axi_gmem_ARPROT = 3'b000;
    assign m_axi_gmem_ARQOS = 4'd0;
    assign m_axi_gmem_ARREGION = 4'd0;
    assign m_axi_gmem_ARUSER = 1'b0;
    assign m_axi_gmem_RREADY = 1'b1;

    wire unused = &{1'b0, arg_a[1:0], arg_b[1:0], m_axi_gmem_RID, m_axi_gmem_RUSER, m_axi_gmem_RRESP,
                    m_axi_gmem_BRESP, m_axi_gmem_BID, m_axi_gmem_BUSER};
endmodule
`default_nettype wire
